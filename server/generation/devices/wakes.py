"""Wakes the command loops of devices when there may be new work."""

import asyncio
from collections.abc import Iterable

from server.workers.device_spec import DeviceSpec
from server.workers.messages import Lane


class Wakes:
    """The asyncio events that wake the command loops: one event for each lane (command queue) of each device."""

    def __init__(self, devices: Iterable[DeviceSpec]) -> None:
        self._events = {spec.name: {lane: asyncio.Event() for lane in spec.lanes} for spec in devices}

    def of(self, device: str, lane: Lane) -> asyncio.Event:
        """Return the event that wakes the command loop of one lane (command queue)."""
        return self._events[device][lane]

    def device(self, device: str) -> None:
        """Wake the command loops of all lanes (command queues) of one device."""
        for event in self._events[device].values():
            event.set()

    def all(self) -> None:
        """Wake the command loops of all devices."""
        for device in self._events:
            self.device(device)
