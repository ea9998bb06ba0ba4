"""Makes the songs of a server: connects admission, scheduler, worker pool and jobs on one event loop."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from model.engine import EngineInfo
from server.costs import Costs
from server.encoders.base import EncoderPool
from server.errors import Draining, ServiceError
from server.generation.admission.admission import Admission
from server.generation.admission.checked_song import CheckedSong
from server.generation.admission.eta import EtaEstimator
from server.generation.admission.intake import Intake
from server.generation.admission.poisoned_requests import PoisonedRequests
from server.generation.admission.queue_order import QueueOrder
from server.generation.admitted_songs import AdmittedSongs
from server.generation.config import RunnerSettings
from server.generation.devices.engines import expected_slots
from server.generation.devices.failures import Failures
from server.generation.devices.parts import LaneParts
from server.generation.devices.results import Results
from server.generation.devices.serving import Devices
from server.generation.devices.wakes import Wakes
from server.generation.encoding import EncodedSound
from server.generation.heartbeat import Heartbeat
from server.generation.jobs.job import JobParts
from server.generation.jobs.registry import Jobs
from server.generation.readiness import EngineReadiness
from server.scheduling.queue_depth import QueueDepth
from server.scheduling.scheduler import Scheduler
from server.song import QueueStatus, SongRequest
from server.songs.ports import Room, ServiceState
from server.store.base import StoreFull
from server.store.whole_service import QueueFull
from server.telemetry.metrics import Metrics
from server.telemetry.traces.tracing import NO_TRACER
from server.workers.base import WorkerPool


class Runner:
    """Makes the songs of this server. Not thread-safe: use it on one event loop, after `start`."""

    def __init__(
        self,
        settings: RunnerSettings,
        pool: WorkerPool,
        encoders: EncoderPool,
        *,
        metrics: Metrics | None = None,
        tracer: Tracer = NO_TRACER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the runner; `tracer` makes the trace spans of songs; `clock` returns monotonic seconds."""
        self._pool = pool
        self._encoders = encoders
        self._clock = clock
        self._metrics = metrics or _unread_metrics(pool)
        self._jobs = Jobs()
        self._wakes = Wakes(pool.devices)
        self._scheduler = _scheduler(settings, pool, encoders, clock)
        self._admission = Admission(
            partial(expected_slots, pool), settings.max_queued_songs, settings.crowded_queue_ratio
        )
        self.readiness = EngineReadiness(pool, encoders, self._admission, any_engine=settings.any_engine)
        queue = QueueOrder(self._scheduler, self._jobs, pool)
        self._eta = EtaEstimator(queue, self._metrics)
        self._heartbeat = Heartbeat(self._jobs, queue, self._eta, settings.heartbeat_seconds)
        poisoned = PoisonedRequests(clock)
        self._intake = self._intake_of(poisoned)
        self._devices = Devices(pool, self._jobs, self.readiness, self._parts_of_lanes(settings, poisoned))
        self._encoded = self._encoded_sound()
        self._admitted = self._admitted_songs(settings, tracer)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the encoders, and a worker for every device, without waiting until engines are loaded."""
        self._tasks = [
            asyncio.create_task(self._heartbeat.run(), name="heartbeat"),
            asyncio.create_task(self._encoders.run(self._encoded), name="encoders"),
            asyncio.create_task(self._pool.run(self._devices), name="worker pool"),
        ]

    async def wait_ready(self, timeout_seconds: float) -> None:
        """Wait until every device has loaded its engines, and every encoder has started, or has failed to.

        Raises:
            TimeoutError: the start took longer than `timeout_seconds`.
            EngineNotReady, WorkerLost: no engine or no encoder could be started.
        """
        async with asyncio.timeout(timeout_seconds):
            await self._pool.settled()
            await self._encoders.settled()
        self._encoders.require()
        if not self._pool.infos():
            self._pool.require(self._pool.engine_names[0])

    def liveness_problem(self) -> str | None:
        """Return the reason for which this server can make no song until it is restarted; `None` if it can."""
        if any(task.done() for task in self._tasks):
            return "a task of the server has ended because of a bug"
        if self._encoders.all_starts_failed():
            return "no encoder process can be started; see the log"
        return "no worker process can be started; see the log" if self._pool.all_starts_failed() else None

    def ready(self, engine: str) -> bool:
        """Return True if new songs of `engine` can be made on this server now."""
        return self.readiness.ready(engine) and not self._admission.draining

    def sound(self, engine: str) -> str:
        """Return a hash of the sound of `engine`, equal on servers that make the same bytes; empty if unknown."""
        made, encoded = self._pool.sound_of(engine), self._encoders.sound
        return f"{made}-{encoded}" if made and encoded else ""

    def depths(self) -> dict[str, QueueDepth]:
        """Return the numbers of waiting and running songs and sections of every configured engine."""
        return {name: QueueDepth() for name in self._pool.engine_names} | self._scheduler.depths()

    def engines(self) -> Mapping[str, EngineInfo]:
        """Return the properties of the engines that are ready on some device, by name, in the order of the settings."""
        return self._pool.infos()

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """Return the names of the devices on which the engine is ready."""
        return self._pool.devices_of(name)

    @property
    def queues_unserved(self) -> bool:
        """Always False: songs are accepted only for engines that this server or another server serves now."""
        return False

    def costs(self, engine: str) -> Costs | None:
        """Return the mean costs (device time) of an engine's songs, as measured on this server; `None` before the first
        one.
        """
        return self._eta.costs(engine)

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        """Return the device seconds that the waiting songs of a service need, by engine."""
        return self._eta.backlog_seconds(service)

    def room(self) -> Room:
        """Return the limits on songs in the service, and the number of free slots on this server."""
        return self._admission.room

    def check(self, request: SongRequest, service: ServiceState | None = None) -> CheckedSong:
        """Check that the song can be made on this server or in `service`, and return it, ready to be started.

        Raises:
            ServiceError: the errors of `Intake.check`.
        """
        eta = self._intake.check(request, service)
        eta_here = (lambda: eta) if service is None else (lambda: self._eta.estimate(request))
        return CheckedSong(eta, eta_here, partial(self._admitted.begin, request))

    def waiting(self, service: ServiceState) -> Mapping[str, QueueStatus]:
        """Return queue position and ETA of the waiting songs of a service, by song id."""
        return self._eta.waiting(service)

    def refusal(self, request: SongRequest, error: QueueFull | StoreFull | ServiceError) -> ServiceError:
        """Count a song that the song directory (the registry of all songs) or a check has refused, and return the error
        for the song's caller.
        """
        return self._intake.refusal(request, error)

    def fault(self, engine: str, error: Exception) -> None:
        """Count a song of `engine` that was refused because of a bug or because the store did not answer."""
        self._intake.fault(engine, error)

    def drain(self) -> None:
        """Refuse all new songs from now on."""
        self._admission.drain()

    async def idle(self) -> None:
        """Wait until no song is being made."""
        await self._jobs.idle()

    def cut_off(self) -> int:
        """Fail every song that is still being made, and return the number of these songs."""
        return self._jobs.fail_all(Draining("the server was shut down before the song was complete: request it again"))

    async def stop(self, grace_seconds: float) -> int:
        """Refuse new songs, fail those that still run after `grace_seconds`, and return the number of failed ones."""
        self.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self.idle()
        cut = self.cut_off()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return cut

    def _admitted_songs(self, settings: RunnerSettings, tracer: Tracer) -> AdmittedSongs:
        return AdmittedSongs(
            JobParts(
                encoders=self._encoders,
                stream_buffer_bytes=settings.stream_buffer_bytes,
                clock=self._clock,
                on_room=self._wakes.all,
                metrics=self._metrics,
            ),
            jobs=self._jobs,
            scheduler=self._scheduler,
            admission=self._admission,
            eta=self._eta,
            readiness=self.readiness,
            wakes=self._wakes,
            tracer=tracer,
        )

    def _parts_of_lanes(self, settings: RunnerSettings, poisoned: PoisonedRequests) -> LaneParts:
        return LaneParts(
            scheduler=self._scheduler,
            results=Results(self._jobs, self._scheduler, self._metrics, self._pool.devices),
            failures=Failures(self._jobs, poisoned, log_requests=settings.log_requests),
            wakes=self._wakes,
            metrics=self._metrics,
            clock=self._clock,
            ping_seconds=settings.ping_seconds,
        )

    def _encoded_sound(self) -> EncodedSound:
        return EncodedSound(
            self._encoders,
            jobs=self._jobs,
            scheduler=self._scheduler,
            metrics=self._metrics,
            wake=self._wakes.all,
            readiness_changed=self.readiness.notify,
        )

    def _intake_of(self, poisoned: PoisonedRequests) -> Intake:
        return Intake(
            self._require_makers,
            self._eta.estimate,
            admission=self._admission,
            poisoned=poisoned,
            metrics=self._metrics,
            clock=self._clock,
        )

    def _require_makers(self, request: SongRequest, service: ServiceState | None) -> None:
        """Raise ServiceError unless engine and encoder are ready here, or another server serves the engine."""
        if service is None or request.engine not in service.engines:
            self._pool.require(request.engine)
            self._encoders.require()


def _scheduler(
    settings: RunnerSettings, pool: WorkerPool, encoders: EncoderPool, clock: Callable[[], float]
) -> Scheduler:
    return Scheduler(
        pool.devices,
        policy=settings.policy,
        clock=clock,
        weights=settings.caller_weights,
        retries=settings.retries,
        encoders=encoders.count,
    )


def _unread_metrics(pool: WorkerPool) -> Metrics:
    return Metrics(CollectorRegistry(), engines=pool.engine_names, devices=tuple(spec.name for spec in pool.devices))
