"""Takes songs in: refuses those that cannot be made here, and gives the others what they hold until they end."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from server.auth.quotas import Quotas, Ticket
from server.encoders.base import EncoderPool
from server.errors import DeadlineTooShort, ServiceError
from server.generation.admission.admission import Admission, Permit
from server.generation.admission.eta import EtaEstimator, SongEta
from server.generation.admission.poisoned_requests import PoisonedRequests
from server.song import Accepted, SongRequest
from server.telemetry.metrics import Metrics
from server.workers.base import WorkerPool


@dataclass(frozen=True, slots=True)
class Admitted:
    """The right of a song to be here, its place on its caller's quota, the songs before it, and its ETA."""

    permit: Permit
    ticket: Ticket
    queue_position: int
    eta: SongEta | None

    def accepted(self, song_id: str) -> Accepted:
        """The first event of the song."""
        if self.eta is None:
            return Accepted(song_id, self.queue_position)
        estimate = self.eta.estimate
        return Accepted(song_id, self.queue_position, estimate.first_audio_seconds, estimate.finish_seconds)


class Intake:
    """Checks every request once, in one order, and counts what becomes of it."""

    def __init__(
        self,
        *,
        pool: WorkerPool,
        encoders: EncoderPool,
        admission: Admission,
        quotas: Quotas,
        poisoned: PoisonedRequests,
        eta: EtaEstimator,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._encoders = encoders
        self._admission = admission
        self._quotas = quotas
        self._poisoned = poisoned
        self._eta = eta
        self._metrics = metrics
        self._clock = clock

    def admit(self, request: SongRequest) -> Admitted:
        """Take a song in.

        Raises:
            PoisonedRequest: the same request has ended workers.
            UnknownEngine, EngineNotReady, WorkerLost: the engine is not configured, or it or the encoder is not loaded,
                or being restarted.
            DeadlineTooShort: by the estimate the song cannot be complete by the caller's deadline.
            Draining: the server is shutting down.
            Overloaded: as many songs run and wait as may.
            QuotaExceeded: the caller has reached a limit of its own.
        """
        try:
            admitted = self._admit(request)
        except ServiceError as error:
            self._metrics.songs.refused(_reason_of(error), request.engine)
            raise
        self._metrics.songs.accepted(request.engine)
        return admitted

    def _admit(self, request: SongRequest) -> Admitted:
        self._poisoned.check(request)
        self._pool.require(request.engine)
        self._encoders.require()
        position, eta = self._admission.songs, self._eta.estimate(request)
        self._check_deadline(request, eta)
        with ExitStack() as undo:
            permit = undo.enter_context(self._admission.admit(request.caller))
            ticket = self._quotas.enter(request.caller, request.params.duration_seconds or 0.0)
            undo.pop_all()
        return Admitted(permit, ticket, position, eta)

    def _check_deadline(self, request: SongRequest, eta: SongEta | None) -> None:
        if request.deadline is None or eta is None:
            return
        left_seconds = request.deadline - self._clock()
        if eta.estimate.finish_seconds > left_seconds:
            raise DeadlineTooShort(eta.estimate.finish_seconds, left_seconds)


def _reason_of(error: ServiceError) -> str:
    """The error's kind as metrics name it: "engine_not_ready"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
