"""Implements `SongRunner` for a server without workers (frontend): accepts songs that generator servers will make."""

import time
from collections.abc import Callable, Mapping, Sequence

from model.engine import EngineInfo
from server.costs import Costs
from server.errors import EngineNotReady, ServiceError, UnknownEngine
from server.generation.admission.admission import Admission
from server.generation.admission.checked_song import CheckedSong
from server.generation.admission.intake import Intake
from server.generation.admission.poisoned_requests import PoisonedRequests
from server.generation.admission.service_eta import Here, ServiceEta, SongEta
from server.generation.jobs.job import Job
from server.generation.readiness import Readiness
from server.scheduling.queue_depth import QueueDepth
from server.song import Accepted, QueueStatus, SongRequest
from server.songs.ports import EventSink, Room, ServiceState
from server.store.base import StoreFull
from server.store.whole_service import QueueFull
from server.telemetry.metrics import Metrics

_NONE_HERE = Here()


class Frontend:
    """Runner of a server without workers: accepts songs and queues them for generator servers, even while no generator
    runs.
    """

    def __init__(
        self,
        engine_names: Sequence[str],
        *,
        queued_songs: int,
        cold_start_seconds: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the frontend; `engine_names` are the configured engines; at most `queued_songs` songs may wait in the
        service.

        `clock` returns monotonic seconds, also used for deadlines of requests. Until the start of a generator (server
        that makes songs) was measured, it is assumed to take `cold_start_seconds`.
        """
        self._engine_names = tuple(engine_names)
        self._admission = Admission(running=lambda: 0, queued=queued_songs)
        self._eta = ServiceEta(lambda _: None, lambda _: None, cold_start_seconds)
        self._intake = Intake(
            self._require,
            self._estimate,
            admission=self._admission,
            poisoned=PoisonedRequests(clock),
            metrics=metrics,
            clock=clock,
        )
        self.readiness = Readiness()

    async def start(self) -> None:
        """Do nothing, because a frontend has no processes to start."""

    def liveness_problem(self) -> str | None:
        """Return `None`: a frontend has no workers whose failure could require a restart of the server."""
        return None

    def depths(self) -> Mapping[str, QueueDepth]:
        """Return a queue depth of zero for every configured engine, since no songs wait or run on this server."""
        return {name: QueueDepth() for name in self._engine_names}

    def engines(self) -> Mapping[str, EngineInfo]:
        """Return an empty mapping, because a frontend loads no engines."""
        return {}

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """Return an empty tuple, because a frontend has no devices."""
        return ()

    def ready(self, engine: str) -> bool:
        """Return False, because a frontend makes no songs."""
        return False

    def sound(self, engine: str) -> str:
        """Return an empty text in place of the fingerprint (hash) of the sound of `engine`, because a frontend makes no
        sound.
        """
        return ""

    @property
    def queues_unserved(self) -> bool:
        """Always True: songs may wait while no generator server runs."""
        return True

    def costs(self, engine: str) -> Costs | None:
        """Return `None`: a frontend makes no songs, so it has no measured costs."""
        return None

    def room(self) -> Room:
        """Return the limits on songs in the service; the number of free slots on this server is 0."""
        return self._admission.room

    def check(self, request: SongRequest, service: ServiceState | None = None) -> CheckedSong:
        """Check that a generator server can make the song, now or once one has started, and return the song, ready to
        be queued.

        Raises:
            ServiceError: the errors of `Intake.check`; EngineNotReady for an engine that no generator has ever served.
        """
        eta = self._intake.check(request, service)
        return CheckedSong(eta, lambda: eta, _make_nothing)

    def waiting(self, service: ServiceState) -> Mapping[str, QueueStatus]:
        """Return queue position and ETA of the waiting songs of a service, by song id."""
        return self._eta.waiting(service, _NONE_HERE)

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        """Return the device seconds that the waiting songs of a service need, by engine."""
        return self._eta.backlog_seconds(service)

    def refusal(self, request: SongRequest, error: QueueFull | StoreFull | ServiceError) -> ServiceError:
        """Count a song that the song directory (the registry of all songs of the service) or the check of its request
        has refused, and return the error for the song's caller.
        """
        return self._intake.refusal(request, error)

    def fault(self, engine: str, error: Exception) -> None:
        """Count a song of `engine` that was refused because of a bug or because the store did not answer."""
        self._intake.fault(engine, error)

    def drain(self) -> None:
        """Refuse all new songs from now on."""
        self._admission.drain()

    async def idle(self) -> None:
        """Return without waiting, because no song is being made here."""

    def cut_off(self) -> int:
        """Return 0, because no song is being made here."""
        return 0

    async def stop(self, grace_seconds: float) -> int:
        """Refuse all new songs; return 0, because no song was being made here."""
        self.drain()
        return 0

    def _require(self, request: SongRequest, service: ServiceState | None) -> None:
        known = service.known if service else {}
        if request.engine in known:
            return
        if request.engine not in self._engine_names:
            raise UnknownEngine(request.engine, tuple(dict.fromkeys((*self._engine_names, *known))))
        raise EngineNotReady(
            f"engine {request.engine!r} has never run in this service, so its limits are unknown: start a server with "
            "this engine and MELISMA_ROLE=generator on the same store once, and try again when it is ready"
        )

    def _estimate(self, request: SongRequest, service: ServiceState | None) -> SongEta | None:
        if service is None:
            return None
        asked = request.params
        return self._eta.estimate(
            request.engine, service, _NONE_HERE, sound_seconds=asked.duration_seconds, steps=asked.steps
        )


def _make_nothing(accepted: Accepted, sink: EventSink, eta: SongEta | None) -> Job:
    raise EngineNotReady(
        "this server is a frontend, which makes no songs itself: send the request to a server of the role generator "
        "or all"
    )
