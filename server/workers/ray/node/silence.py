"""Calls a function if no heartbeat of the server has come for too long, because the network was cut or the
server died.
"""

import threading
import time
from collections.abc import Callable

PERIODS = 3
"""Ping periods of silence after which an actor ends itself."""


class SilenceWatch:
    """Calls a function, on its own thread, after `PERIODS` ping periods without a call of `heard`."""

    def __init__(self, ping_seconds: float, then: Callable[[], None]) -> None:
        self._ping_seconds = ping_seconds
        self._then = then
        self._heard_at = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="silence", daemon=True).start()

    def heard(self) -> None:
        """Record a heartbeat of the server."""
        self._heard_at = time.monotonic()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def _run(self) -> None:
        silences = 0
        while not self._stopped.wait(self._ping_seconds / 4):
            # Seen twice: a process that was frozen first handles what has come meanwhile.
            silences = silences + 1 if self._silent() else 0
            if silences > 1:
                self._then()
                return

    def _silent(self) -> bool:
        return time.monotonic() - self._heard_at > PERIODS * self._ping_seconds
