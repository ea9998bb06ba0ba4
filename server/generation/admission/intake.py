"""Refuses requests for songs that cannot be made, and counts refusals for the metrics."""

import re
from collections.abc import Callable
from typing import TypeAlias

from server.errors import DeadlineTooShort, ServiceError
from server.generation.admission.admission import Admission
from server.generation.admission.poisoned_requests import PoisonedRequests
from server.generation.admission.service_eta import SongEta
from server.song import SongRequest
from server.songs.ports import ServiceState
from server.store.base import StoreFailed, StoreFull
from server.store.whole_service import QueueFull
from server.telemetry.metrics import Metrics

Require: TypeAlias = Callable[[SongRequest, ServiceState | None], None]
EstimateSong: TypeAlias = Callable[[SongRequest, ServiceState | None], SongEta | None]


class Intake:
    """Checks if a requested song can be made, in a fixed order of checks, and counts refused songs in the metrics."""

    def __init__(
        self,
        require: Require,
        estimate: EstimateSong,
        *,
        admission: Admission,
        poisoned: PoisonedRequests,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        """Set up the checks of requests. `require` raises ServiceError if no worker can make a song; `estimate` returns
        the song's ETA.

        `poisoned` has the requests that have killed workers; `clock` returns monotonic seconds.
        """
        self._require = require
        self._estimate = estimate
        self._admission = admission
        self._poisoned = poisoned
        self._metrics = metrics
        self._clock = clock

    def check(self, request: SongRequest, service: ServiceState | None = None) -> SongEta | None:
        """Check that a song can be made on this server, or in the `service` whose queue it joins; return the song's
        ETA, if known.

        Raises:
            PoisonedRequest: the same request has killed workers before.
            UnknownEngine, EngineNotReady, WorkerLost: no worker can make songs with the engine now.
            DeadlineTooShort: by the estimate the song cannot be complete by the caller's deadline.
            Draining: the server is shutting down.
        """
        try:
            return self._check(request, service)
        except ServiceError as error:
            self._count(request, error)
            raise

    def refusal(self, request: SongRequest, error: QueueFull | StoreFull | ServiceError) -> ServiceError:
        """Count a song that the song directory (the registry of all songs of the service) or the check of its request
        has refused, and return the error for the song's caller.
        """
        refusal: ServiceError
        if isinstance(error, QueueFull):
            refusal = self._admission.overloaded(error.songs)
        elif isinstance(error, StoreFull):
            refusal = self._admission.store_full()
        else:
            refusal = error
        self._count(request, refusal)
        return refusal

    def fault(self, engine: str, error: Exception) -> None:
        """Count a song of `engine` that was refused because of a bug or because the store did not answer."""
        reason = "store_unavailable" if isinstance(error, StoreFailed) else "internal"
        self._metrics.songs.refused(reason, engine)

    def _check(self, request: SongRequest, service: ServiceState | None) -> SongEta | None:
        self._poisoned.check(request)
        self._require(request, service)
        eta = self._estimate(request, service)
        self._check_deadline(request, eta)
        self._admission.require_open()
        return eta

    def _count(self, request: SongRequest, error: ServiceError) -> None:
        self._metrics.songs.refused(_reason_of(error), request.engine)

    def _check_deadline(self, request: SongRequest, eta: SongEta | None) -> None:
        if request.deadline is None or eta is None:
            return
        left_seconds = request.deadline - self._clock()
        if eta.estimate.finish_seconds > left_seconds:
            raise DeadlineTooShort(eta.estimate.finish_seconds, left_seconds, eta.alone_seconds)


def _reason_of(error: ServiceError) -> str:
    """Return the label for an error in the metrics: the name of its class in snake case, such as "engine_not_ready"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
