"""Kills workers on one node that the cluster cannot end, such as frozen ones, before their devices are used again."""

import logging
import os
import sys
from collections.abc import Callable

from server.workers.ray.node.device_lock import DeviceLock
from server.workers.ray.node.silence import SilenceWatch

_log = logging.getLogger(__name__)

_FREED_SECONDS = 10.0
"""Seconds within which a killed process loses its lock, unless it is stuck in a driver."""


def _leave() -> None:
    sys.stderr.flush()
    os._exit(0)


class Reaper:
    """The devices of one node that workers of this server have used. It imports nothing of Ray.

    If it hears nothing for three ping periods, it kills all their workers and ends.
    """

    def __init__(self, ping_seconds: float, leave: Callable[[], None] = _leave) -> None:
        self._slots: set[str] = set()
        self._leave = leave
        self._silence = SilenceWatch(ping_seconds, self._deserted)

    def free(self, slot: str) -> bool:
        """Kill the process that holds the device named `slot`, if any; True once nobody holds it."""
        self._silence.heard()
        self._slots.add(slot)
        return DeviceLock(slot).free(_FREED_SECONDS)

    def heard(self) -> None:
        """Note that the server is there."""
        self._silence.heard()

    def end(self) -> None:
        """Watch no more."""
        self._silence.stop()

    def _deserted(self) -> None:
        for slot in self._slots:
            DeviceLock(slot).free(0.0)
        self._leave()
