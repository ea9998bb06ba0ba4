"""Ends something that has heard nothing of the server for too long, because the network was cut or the server died."""

import threading
import time
from collections.abc import Callable

PERIODS = 3
"""Ping periods of silence after which an actor ends itself."""


class SilenceWatch:
    """Calls a function after `PERIODS` ping periods without `heard`, on a thread of its own."""

    def __init__(self, ping_seconds: float, then: Callable[[], None]) -> None:
        self._ping_seconds = ping_seconds
        self._then = then
        self._heard_at = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="silence", daemon=True).start()

    def heard(self) -> None:
        """Record that the server was heard."""
        self._heard_at = time.monotonic()

    def stop(self) -> None:
        """Watch no more."""
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
