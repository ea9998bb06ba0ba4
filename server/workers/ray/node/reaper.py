"""Kills workers on one node that the cluster cannot end, such as frozen ones, so that their devices can be used
again.
"""

import logging
import os
import sys
from collections.abc import Callable

from server.workers.ray.node.device_lock import DeviceLock, remove_unused
from server.workers.ray.node.silence import SilenceWatch

_log = logging.getLogger(__name__)

_FREED_SECONDS = 10.0
"""Seconds within which a killed process loses its lock, unless it is stuck in a driver."""


def _leave() -> None:
    sys.stderr.flush()
    os._exit(0)


class Reaper:
    """Kills the workers of this server on one node. It imports nothing of Ray.

    If it hears nothing for three ping periods, it kills all their workers and ends.
    """

    def __init__(self, ping_seconds: float, leave: Callable[[], None] = _leave) -> None:
        remove_unused()
        self._slots: set[str] = set()
        self._leave = leave
        self._silence = SilenceWatch(ping_seconds, self._deserted)

    def free(self, slot: str) -> bool:
        """Kill the process that holds the device named `slot`, if any; returns True once no process holds it."""
        self._silence.heard()
        self._slots.add(slot)
        return DeviceLock(slot).free(_FREED_SECONDS)

    def heard(self) -> None:
        """Record a heartbeat of the server."""
        self._silence.heard()

    def end(self) -> None:
        """Stop watching for silence of the server."""
        self._silence.stop()

    def _deserted(self) -> None:
        for slot in self._slots:
            DeviceLock(slot).free(0.0)
        self._leave()
