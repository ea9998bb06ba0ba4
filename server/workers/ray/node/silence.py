"""Calls a function if no heartbeat of the server comes for too long, because the network was cut or the server died."""

import threading
import time
from collections.abc import Callable

PERIODS = 3
"""Number of ping periods (the intervals between heartbeats) without a heartbeat after which an actor ends itself."""


class SilenceWatch:
    """Calls the function `then`, on a separate thread, when `heartbeat` was not called for `PERIODS` ping periods (the
    intervals between heartbeats).
    """

    def __init__(self, ping_seconds: float, then: Callable[[], None]) -> None:
        self._ping_seconds = ping_seconds
        self._then = then
        self._heartbeat_at = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="silence", daemon=True).start()

    def heartbeat(self) -> None:
        """Record a heartbeat of the server."""
        self._heartbeat_at = time.monotonic()

    def stop(self) -> None:
        """Stop waiting for heartbeats; the function is not called any more."""
        self._stopped.set()

    def _run(self) -> None:
        silences = 0
        while not self._stopped.wait(self._ping_seconds / 4):
            # Two checks are needed: a process that was frozen first handles the messages that have arrived meanwhile.
            silences = silences + 1 if self._silent() else 0
            if silences > 1:
                self._then()
                return

    def _silent(self) -> bool:
        return time.monotonic() - self._heartbeat_at > PERIODS * self._ping_seconds
