"""Readiness and liveness of this server."""

import asyncio
from collections.abc import Callable

from typing_extensions import override

from server.encoders.base import EncoderPool
from server.generation.admission.admission import Admission
from server.workers.base import WorkerPool

_CHECK_SECONDS = 1.0


class Readiness:
    """Tells whether new songs should come here, and calls its subscribers when that may have changed."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[], None]] = []
        self._checks: list[Callable[[], str | None]] = []
        self._elsewhere: Callable[[], bool] = lambda: False
        self.unkept: Callable[[], str | None] = lambda: None
        """Tells why songs are not kept now, which keeps nobody from listening to them while they are made."""

    def readiness_problem(self) -> str | None:
        """The reason why new songs should go to other servers, for the operator; `None` when there is none."""
        reasons = (check() for check in self._checks)
        return next((reason for reason in reasons if reason is not None), None)

    async def watch(self, check: Callable[[], str | None]) -> None:
        """Count as not ready while `check` gives a reason, and notify subscribers within a second of a change."""
        self._checks.append(check)
        await self._watch(check)

    async def count_on(self, elsewhere: Callable[[], bool]) -> None:
        """Need no engine here while `elsewhere` says that other servers make songs which are asked for here.

        It counts once an engine was ready here: a server that still loads is no successor of those that serve.
        Subscribers are notified within a second of a change.
        """
        self._elsewhere = elsewhere
        await self._watch(elsewhere)

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop whenever `readiness_problem` or an engine's readiness may have changed."""
        self._subscribers.append(callback)

    def notify(self) -> None:
        """Notify all subscribers."""
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
    """The readiness of a server that makes songs: an engine has to be ready, and the queue not nearly full."""

    def __init__(self, pool: WorkerPool, encoders: EncoderPool, admission: Admission) -> None:
        super().__init__()
        self._pool = pool
        self._encoders = encoders
        self._admission = admission
        self._saturated = False
        self._was_ready = False

    def ready(self, engine: str) -> bool:
        """True if songs of `engine` can be made now."""
        return self._encoders.ready and bool(self._pool.devices_of(engine))

    @override
    def readiness_problem(self) -> str | None:
        ready = any(map(self.ready, self._pool.engine_names))
        self._was_ready = self._was_ready or ready
        if not (ready or (self._was_ready and self._elsewhere())):
            return "no engine is ready"
        return super().readiness_problem() or ("the queue is nearly full" if self._admission.saturated else None)

    def queue_changed(self) -> None:
        """Notify subscribers if the queue has become nearly full, or has ceased to be."""
        if self._admission.saturated != self._saturated:
            self._saturated = self._admission.saturated
            self.notify()
