"""Refuses songs that cannot be made here, and counts them."""

import re
from collections.abc import Callable

from server.encoders.base import EncoderPool
from server.errors import DeadlineTooShort, QuotaExceeded, ServiceError
from server.generation.admission.admission import Admission
from server.generation.admission.eta import EtaEstimator, SongEta
from server.generation.admission.poisoned_requests import PoisonedRequests
from server.song import SongRequest
from server.songs.ports import ServiceState
from server.store.base import StoreFull
from server.store.directory import QueueFull
from server.telemetry.metrics import Metrics
from server.workers.base import WorkerPool


class Intake:
    """Checks every request once, in one order, and counts refusals."""

    def __init__(
        self,
        *,
        pool: WorkerPool,
        encoders: EncoderPool,
        admission: Admission,
        poisoned: PoisonedRequests,
        eta: EtaEstimator,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._encoders = encoders
        self._admission = admission
        self._poisoned = poisoned
        self._eta = eta
        self._metrics = metrics
        self._clock = clock

    def check(self, request: SongRequest, service: ServiceState | None = None) -> SongEta | None:
        """Let a song pass that can be made here, or in the `service` whose queue it joins; returns its ETA, if known.

        Raises:
            PoisonedRequest: the same request has ended workers.
            UnknownEngine, EngineNotReady, WorkerLost: the engine is not configured, or it or the encoder is not loaded,
                or being restarted.
            DeadlineTooShort: by the estimate the song cannot be complete by the caller's deadline.
            Draining: the server is shutting down.
        """
        try:
            return self._check(request, service)
        except ServiceError as error:
            self._count(request, error)
            raise

    def refusal(self, request: SongRequest, error: QueueFull | QuotaExceeded | StoreFull) -> ServiceError:
        """The error for the caller of a song that the directory has refused."""
        told: ServiceError
        if isinstance(error, QueueFull):
            told = self._admission.overloaded(error.songs)
        elif isinstance(error, StoreFull):
            told = self._admission.store_full()
        else:
            told = error
        self._count(request, told)
        return told

    def _check(self, request: SongRequest, service: ServiceState | None) -> SongEta | None:
        self._poisoned.check(request)
        if service is None or request.engine not in service.engines:
            self._pool.require(request.engine)
            self._encoders.require()
        eta = self._eta.estimate(request, service)
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
            raise DeadlineTooShort(eta.estimate.finish_seconds, left_seconds)


def _reason_of(error: ServiceError) -> str:
    """The error's kind as metrics name it: "engine_not_ready"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
