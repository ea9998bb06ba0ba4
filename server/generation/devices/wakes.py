"""Wakes the tasks that send commands to devices when there may be work."""

import asyncio
from collections.abc import Iterable

from server.workers.device_spec import DeviceSpec
from server.workers.messages import Lane


class Wakes:
    """One asyncio event for each lane of each device."""

    def __init__(self, devices: Iterable[DeviceSpec]) -> None:
        self._events = {spec.name: {lane: asyncio.Event() for lane in spec.lanes} for spec in devices}

    def of(self, device: str, lane: Lane) -> asyncio.Event:
        """Return the asyncio event that wakes one lane."""
        return self._events[device][lane]

    def device(self, device: str) -> None:
        """Wake the tasks of all lanes of a device."""
        for event in self._events[device].values():
            event.set()

    def all(self) -> None:
        """Wake the tasks of all lanes of all devices."""
        for device in self._events:
            self.device(device)
