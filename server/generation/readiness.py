"""Readiness and liveness of this server, as reported to load balancers and probes."""

import asyncio
from collections.abc import Callable

from typing_extensions import override

from server.encoders.base import EncoderPool
from server.generation.admission.admission import Admission
from server.workers.base import WorkerPool

_CHECK_SECONDS = 1.0


class Readiness:
    """Decides if new songs should be sent to this server, and notifies its subscribers when the decision may have
    changed.
    """

    def __init__(self) -> None:
        self._subscribers: list[Callable[[], None]] = []
        self._checks: list[Callable[[], str | None]] = []
        self._elsewhere: Callable[[], bool] = lambda: False
        self.unkept: Callable[[], str | None] = lambda: None
        """Function that returns the reason why songs cannot be stored now, or `None`. Listeners still get such songs
        while they are being made.
        """

    def readiness_problem(self, *, full_is_ready: bool = False) -> str | None:
        """Return the reason, for the operator, for which new songs should be sent to other servers; `None` if there is
        none.

        With `full_is_ready` a nearly full queue is not a reason; this suits load balancers that consider the load
        themselves.
        """
        reasons = (check() for check in self._checks)
        return next((reason for reason in reasons if reason is not None), None)

    @property
    def saturated(self) -> bool:
        """True while the queue is nearly full; always False in this base class, which has no queue."""
        return False

    def engine_unready(self, engine: str) -> str | None:
        """Return the reason for which this server can make no song of `engine` now; `None` if it can."""
        return f"engine {engine!r} is not ready"

    async def watch(self, check: Callable[[], str | None]) -> None:
        """Add a check whose result, if not `None`, is a readiness problem. Subscribers are notified within a second of
        a change.
        """
        self._checks.append(check)
        await self._watch(check)

    async def count_on(self, elsewhere: Callable[[], bool]) -> None:
        """Count this server as ready without a ready engine while `elsewhere` returns True, because other servers then
        make its songs.

        This applies only once an engine was ready on this server: a server that is still loading must not count as a
        replacement for those that serve. Subscribers are notified within a second of a change.
        """
        self._elsewhere = elsewhere
        await self._watch(elsewhere)

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop when readiness, of the server or of an engine, may have changed."""
        self._subscribers.append(callback)

    def notify(self) -> None:
        """Call all subscribers, because the readiness of the server or of an engine may have changed."""
        for callback in self._subscribers:
            callback()

    async def _watch(self, read: Callable[[], object]) -> None:
        known = read()
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            if (now := read()) != known:
                known = now
                self.notify()


class EngineReadiness(Readiness):
    """Readiness of a server that makes songs: the server is ready if its engines are ready and its queue is not nearly
    full.
    """

    def __init__(
        self, pool: WorkerPool, encoders: EncoderPool, admission: Admission, *, any_engine: bool = False
    ) -> None:
        """Set up the readiness. With `any_engine` one ready engine is enough; otherwise all configured engines must be
        ready.
        """
        super().__init__()
        self._any_engine = any_engine
        self._pool = pool
        self._encoders = encoders
        self._admission = admission
        self._saturated = False
        self._was_ready = False

    def ready(self, engine: str) -> bool:
        """Return True if this server can make songs of `engine` now."""
        return self._encoders.ready and bool(self._pool.devices_of(engine))

    @override
    def readiness_problem(self, *, full_is_ready: bool = False) -> str | None:
        reason = self._engines_unready()
        self._was_ready = self._was_ready or reason is None
        if reason and not (self._was_ready and self._elsewhere()):
            return reason
        full = self.saturated and not full_is_ready
        return super().readiness_problem() or ("the queue is nearly full" if full else None)

    @property
    @override
    def saturated(self) -> bool:
        return self._admission.saturated

    @override
    def engine_unready(self, engine: str) -> str | None:
        return None if self.ready(engine) else super().engine_unready(engine)

    def _engines_unready(self) -> str | None:
        missing = [engine for engine in self._pool.engine_names if not self.ready(engine)]
        if len(missing) == len(self._pool.engine_names):
            return "no engine is ready"
        return self.engine_unready(missing[0]) if missing and not self._any_engine else None

    def queue_changed(self) -> None:
        """Notify the subscribers if the queue has just become nearly full or has stopped being nearly full."""
        if self._admission.saturated != self._saturated:
            self._saturated = self._admission.saturated
            self.notify()
