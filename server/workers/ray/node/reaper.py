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
"""Time limit in seconds for a killed process to lose its lock; only a process blocked in a call into the device driver
takes longer.
"""


def _leave() -> None:
    sys.stderr.flush()
    os._exit(0)


class Reaper:
    """Actor that kills frozen workers of one server on its node. The class does not import Ray.

    If no message comes from the server for three ping periods (intervals between the server's heartbeats), the actor
    kills all the server's workers on its node, and ends.
    """

    def __init__(self, ping_seconds: float, leave: Callable[[], None] = _leave) -> None:
        remove_unused()
        self._slots: set[str] = set()
        self._leave = leave
        self._silence = SilenceWatch(ping_seconds, self._deserted)

    def free(self, slot: str) -> bool:
        """Kill the process that uses the device named `slot`, if any; return True once no process uses the device,
        False if one still does after a time limit.
        """
        self._silence.heartbeat()
        self._slots.add(slot)
        return DeviceLock(slot).free(_FREED_SECONDS)

    def heartbeat(self) -> None:
        """Record a heartbeat of the server."""
        self._silence.heartbeat()

    def end(self) -> None:
        """Stop waiting for heartbeats of the server."""
        self._silence.stop()

    def _deserted(self) -> None:
        for slot in self._slots:
            DeviceLock(slot).free(0.0)
        self._leave()
