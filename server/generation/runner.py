"""Makes songs: ties admission, scheduler, pool and jobs together on one event loop."""

import asyncio
import logging
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from model.engine import EngineInfo
from server.audio.codecs.base import EncoderFactory
from server.auth.quotas import Quota, Quotas, Ticket
from server.errors import (
    DeadlineTooShort,
    Draining,
    EngineNotReady,
    InvalidRequest,
    OutOfMemory,
    ServiceError,
    SongDeadlineExceeded,
    SongFailed,
    WorkerLost,
)
from server.estimation.forecast import Estimate
from server.generation.admission import Admission, Permit
from server.generation.eta import Fortune, Outlook, Pool
from server.generation.job import Job, JobStatus
from server.generation.poisoned_requests import PoisonedRequests
from server.logs import Logs, bound, without_words
from server.scheduling.policy import Policy
from server.scheduling.queue_depth import Depth
from server.scheduling.retry import Lost, Verdict
from server.scheduling.scheduler import Scheduler
from server.song import Accepted, SongRequest, Waiting
from server.telemetry.metrics import Metrics
from server.telemetry.song_trace import SongTrace
from server.telemetry.tracing import NO_TRACER
from server.workers.base import Worker, WorkerDied, WorkerPool
from server.workers.device_spec import DeviceSpec
from server.workers.messages import (
    Command,
    EngineSpec,
    Fault,
    Lane,
    Ping,
    Plan,
    Planned,
    Prepared,
    Rendered,
    Reply,
    SongKey,
    Stepped,
)

__all__ = ["EngineSpec", "Runner", "RunnerSettings"]

# A device waits about a millisecond for its next command; only steps that last are worth the trouble of avoiding it.
_LEAD_SECONDS, _LONG_STEP_SECONDS = 0.002, 0.01
_RETRY_AFTER_MEMORY_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """The sizes and limits of making songs; those of each device are in its `DeviceSpec`.

    A song stops being made while `stream_buffer_bytes` of its sound are unsent. `worker_threads` 0 leaves it to the
    libraries. An idle worker has to answer every `ping_seconds`. An attempt at a song is repeated `retries` times.
    A song tells of itself at least every `heartbeat_seconds`.
    """

    devices: tuple[DeviceSpec, ...]
    engines: tuple[EngineSpec, ...]
    policy: Policy = field(default_factory=Policy)
    caller_weights: Mapping[str, float] = field(default_factory=dict)
    max_queued_songs: int = 64
    crowded_queue_ratio: float = 0.9
    stream_buffer_bytes: int = 1 << 20
    encoder_threads: int = 2
    worker_threads: int = 1
    retries: int = 3
    exchange_timeout_seconds: float = 30.0
    ping_seconds: float = 10.0
    load_timeout_seconds: float = 300.0
    restart_backoff_seconds: float = 0.5
    heartbeat_seconds: float = 5.0
    logs: Logs = Logs()
    log_requests: bool = False


class Runner:
    """Everything behind the servicer: songs in, events out. Lives on one event loop; `start` before anything else."""

    def __init__(
        self,
        settings: RunnerSettings,
        pool: WorkerPool,
        *,
        encoder_factory: EncoderFactory,
        metrics: Metrics | None = None,
        quota_of: Callable[[str], Quota] = lambda _: Quota(),
        tracer: Tracer = NO_TRACER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds and never goes back; deadlines of requests are on it. `metrics` hears what happens.

        `quota_of` tells how much a caller may ask for. Spans of songs come from `tracer`.
        """
        self._settings = settings
        self._pool = pool
        self._metrics = metrics or _unread_metrics(pool)
        self._encoder_factory = encoder_factory
        self._clock = clock
        self._tracer = tracer
        places = sum(device.running_songs for device in pool.devices)
        self._admission = Admission(places, settings.max_queued_songs, settings.crowded_queue_ratio)
        self._crowded = False
        self._quotas = Quotas(quota_of, clock)
        self._scheduler = Scheduler(
            pool.devices,
            policy=settings.policy,
            clock=clock,
            weights=settings.caller_weights,
            retries=settings.retries,
        )
        self._poisoned = PoisonedRequests(clock)
        self._encoders = ThreadPoolExecutor(settings.encoder_threads, thread_name_prefix="encoder")
        self._jobs: dict[str, Job] = {}
        self._fortune = Fortune(self._metrics)
        self._places = {spec.name: spec.running_songs for spec in pool.devices}
        self._budgets = {spec.name: spec.batch_tokens for spec in pool.devices}
        self._wakes = {(spec.name, lane): asyncio.Event() for spec in pool.devices for lane in spec.lanes}
        self._idle = asyncio.Event()
        self._idle.set()
        self._drivers: list[asyncio.Task[None]] = []
        self._subscribers: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Start a worker for every device, without waiting until their engines are loaded."""
        self._drivers = [
            asyncio.create_task(self._beat(), name="heartbeat"),
            asyncio.create_task(self._pool.run(self), name="workers"),
        ]

    async def wait_ready(self, timeout_seconds: float) -> None:
        """Wait until every device has loaded what it can.

        Raises:
            TimeoutError: that took longer than `timeout_seconds`.
            EngineNotReady, WorkerLost: it is done, and no engine is ready; the text is that of the first one.
        """
        async with asyncio.timeout(timeout_seconds):
            await self._pool.settled()
        if not self._pool.infos():
            self._pool.require(self._pool.engine_names[0])

    def ready(self, engine: str) -> bool:
        """Whether songs of `engine` can be made now."""
        return bool(self._pool.devices_of(engine))

    def unready(self) -> str | None:
        """Why new songs had better go elsewhere, in words for the operator; `None` when they need not."""
        if not any(map(self.ready, self._pool.engine_names)):
            return "no engine is ready"
        return "the queue is nearly full" if self._admission.crowded else None

    def unwell(self) -> str | None:
        """Why nothing will be made here any more without a new start; `None` while something will."""
        if any(driver.done() for driver in self._drivers):
            return "a task of the server has ended"
        return "no worker can be started" if self._pool.hopeless() else None

    def depths(self) -> dict[str, Depth]:
        """How much there is to do for every configured engine."""
        return {name: Depth() for name in self._pool.engine_names} | self._scheduler.depths()

    def engines(self) -> Mapping[str, EngineInfo]:
        """The engines that are ready on some device, in the order of the settings."""
        return self._pool.infos()

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """The devices on which the engine is ready."""
        return self._pool.devices_of(name)

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop whenever `unready`, or the readiness of an engine, may have changed."""
        self._subscribers.append(callback)

    def submit(self, request: SongRequest) -> Job:
        """Let a song in and have it made. Use the job as a context manager: its exit cancels what is not complete.

        Raises:
            UnknownEngine, EngineNotReady, WorkerLost: the engine is not configured, not loaded, or being restarted.
            PoisonedRequest: the same request has ended workers.
            Draining: the server is shutting down.
            Overloaded: as many songs run and wait as may.
            QuotaExceeded: the caller has reached a limit of its own.
            DeadlineTooShort: by the estimate the song cannot be complete by the caller's deadline.
        """
        try:
            self._poisoned.check(request)
            self._pool.require(request.engine)
            position = self._admission.songs
            outlook = self._fortune.foretell(request, self._in_order(), self._pool_of(request.engine))
            self._check_deadline(request, outlook)
            permit, ticket = self._let_in(request)
        except ServiceError as error:
            self._metrics.songs.refused(_word_of(error), request.engine)
            raise
        self._metrics.songs.accepted(request.engine)
        job = self._job(request, _accepted(position, outlook))
        self._enter(job, permit, ticket)
        self._fortune.enter(job, outlook)
        self._scheduler.add(
            job.song_id,
            request.engine,
            request.params,
            job,
            caller=request.caller,
            usage=job.usage,
            trace=job.trace.parent,
            work_seconds=outlook.work.total_seconds if outlook else None,
        )
        self._wake_all()
        return job

    def _let_in(self, request: SongRequest) -> tuple[Permit, Ticket]:
        with ExitStack() as undone:
            permit = undone.enter_context(self._admission.admit(request.caller))
            ticket = self._quotas.enter(request.caller, request.params.duration_seconds or 0.0)
            undone.pop_all()
        return permit, ticket

    def _check_deadline(self, request: SongRequest, outlook: Outlook | None) -> None:
        if request.deadline is None or outlook is None:
            return
        left_seconds = request.deadline - self._clock()
        if outlook.estimate.finish_seconds > left_seconds:
            raise DeadlineTooShort(outlook.estimate.finish_seconds, left_seconds)

    def _in_order(self) -> list[Job]:
        """All jobs: those with a place, then those that wait, in their order."""
        waiting = [job for song_id in self._queue_places() if (job := self._jobs.get(song_id))]
        placed = [job for job in self._jobs.values() if self._scheduler.device_of(job.song_id) is not None]
        return placed + waiting

    def _pool_of(self, engine: str) -> Pool:
        devices = self._pool.devices_of(engine)
        return Pool(max(1, len(devices)), sum(self._places[device] for device in devices))

    def drain(self) -> None:
        """Let no more songs in."""
        self._admission.drain()

    async def idle(self) -> None:
        """Wait until no song is being made."""
        await self._idle.wait()

    def cut_off(self) -> int:
        """Fail every song that is still being made; returns their number."""
        cut = tuple(self._jobs.values())
        for job in cut:
            job.fail(Draining("the server was shut down before the song was complete"))
        return len(cut)

    async def stop(self, grace_seconds: float) -> int:
        """Drain, give running songs `grace_seconds`, then end everything; returns the number of songs cut off."""
        self.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self.idle()
        cut = self.cut_off()
        for driver in self._drivers:
            driver.cancel()
        await asyncio.gather(*self._drivers, return_exceptions=True)
        self._encoders.shutdown()
        return cut

    def _job(self, request: SongRequest, accepted: Accepted) -> Job:
        return Job(
            request,
            accepted,
            encoder_factory=self._encoder_factory,
            encoders=self._encoders,
            stream_buffer_bytes=self._settings.stream_buffer_bytes,
            clock=self._clock,
            on_room=self._wake_all,
            metrics=self._metrics,
            trace=SongTrace(self._tracer, accepted.song_id, request.engine),
        )

    def _enter(self, job: Job, permit: Permit, ticket: Ticket) -> None:
        self._jobs[job.song_id] = job
        self._idle.clear()
        job.on_end.callback(self._leave, job)
        self._note_crowd()
        job.on_end.enter_context(permit)
        job.on_end.callback(lambda: ticket.settle(job.sound_seconds))
        if job.request.deadline is not None:
            error = SongDeadlineExceeded("the deadline passed before the song was complete")
            delay_seconds = max(0.0, job.request.deadline - self._clock())
            timer = asyncio.get_running_loop().call_later(delay_seconds, job.fail, error)
            job.on_end.callback(timer.cancel)

    def _leave(self, job: Job) -> None:
        self._scheduler.drop(job.song_id)
        del self._jobs[job.song_id]
        complete = job.status is JobStatus.COMPLETED
        self._fortune.leave(job, complete=complete)
        if complete:
            self._admission.measured_song(self._clock() - job.clocks.started_at)
        if not self._jobs:
            self._idle.set()
        self._note_crowd()
        self._wake_all()

    def _note_crowd(self) -> None:
        if self._admission.crowded != self._crowded:
            self._crowded = self._admission.crowded
            self._tell_readiness()

    async def _beat(self) -> None:
        """Have silent songs give a sign of life, so that nothing on the way to the caller takes them for dead."""
        seconds = self._settings.heartbeat_seconds
        while True:
            await asyncio.sleep(seconds / 2)
            try:
                self._give_signs_of_life(seconds / 2)
            except Exception:
                _log.exception("songs could not give a sign of life")

    def _give_signs_of_life(self, silence_seconds: float) -> None:
        places, estimates = self._queue_places(), self._estimates()
        for job in tuple(self._jobs.values()):
            job.waits(_waiting(places.get(job.song_id, 0), estimates.get(job.song_id)), silence_seconds)

    def _estimates(self) -> dict[str, Estimate]:
        jobs = self._in_order()
        engines = {job.request.engine for job in jobs}
        found: dict[str, Estimate] = {}
        for engine in engines:
            found |= self._fortune.now([job for job in jobs if job.request.engine == engine], self._pool_of(engine))
        return found

    def _queue_places(self) -> dict[str, int]:
        """How many songs go before each song that waits, counted from those that have a place."""
        waiting = (song_id for engine in self._pool.engine_names for song_id in self._scheduler.waiting(engine))
        return {song_id: place for place, song_id in enumerate(waiting, start=1)}

    async def serve(self, device: str, worker: Worker) -> None:
        """Give the commands of the scheduler to a worker until it ends. Raises WorkerDied then."""
        self._scheduler.open(device, self._pool.engines_on(device))
        self._metrics.devices.worker_up(device, True)
        self._wake_all()
        lanes = [asyncio.create_task(self._serve_lane(device, lane, worker)) for lane in worker.lanes]
        try:
            done, _ = await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            self._metrics.devices.worker_up(device, False)
            self._settle(self._scheduler.close(device))
            self._wake_all()

    async def _serve_lane(self, device: str, lane: Lane, worker: Worker) -> None:
        """Keep one command on its way to the lane, and shortly before a long step should end the next one behind it."""
        on_way: deque[Command] = deque()
        free_at = self._clock()
        while True:
            if not on_way:
                on_way.append(await self._next_command(device, lane, worker))
                free_at = self._clock()
                self._hand_over(on_way[0], lane, worker)
            reply = await self._reply(device, lane, worker, on_way)
            began_at, free_at = free_at, self._clock()
            if not isinstance(on_way.popleft(), Ping):
                self._metrics.devices.busy(device, lane, free_at - began_at)
            self._measure_work(device, reply)
            self._deliver(reply)
            self._settle(self._scheduler.done(device, reply, lane))
            if len(worker.lanes) > 1:
                self._wake_device(device)

    async def _reply(self, device: str, lane: Lane, worker: Worker, on_way: deque[Command]) -> Reply:
        step_seconds = self._scheduler.step_seconds(device, on_way[0]) if lane is Lane.DENOISE else None
        if step_seconds is None or step_seconds < _LONG_STEP_SECONDS or len(on_way) > 1:
            return await worker.receive(lane)
        reply = asyncio.ensure_future(worker.receive(lane))
        try:
            await asyncio.wait([reply], timeout=step_seconds - _LEAD_SECONDS)
            if not reply.done() and (command := self._scheduler.next_command(device, lane)):
                on_way.append(command)
                self._hand_over(command, lane, worker)
            return await reply
        finally:
            reply.cancel()

    def _hand_over(self, command: Command, lane: Lane, worker: Worker) -> None:
        if isinstance(command, Plan) and (job := self._job_of(command.song)):
            job.started()
        worker.send(command, lane)

    async def _next_command(self, device: str, lane: Lane, worker: Worker) -> Command:
        wake = self._wakes[device, lane]
        while not worker.exited:
            command = self._scheduler.next_command(device, lane)
            if command is not None:
                return command
            wake.clear()
            try:
                async with asyncio.timeout(self._settings.ping_seconds):
                    await wake.wait()
            except TimeoutError:
                return Ping()
        raise WorkerDied("its process ended")

    def _deliver(self, reply: Reply) -> None:
        for span in reply.spans if isinstance(reply, Planned | Prepared | Stepped | Rendered) else ():
            if job := self._job_of(span.song):
                job.trace.worked(span)
        match reply:
            case Planned():
                if job := self._job_of(reply.song):
                    job.planned(reply.plan, reply.sample_rate_hertz)
            case Stepped():
                for step in reply.sections:
                    if job := self._job_of(step.section.song):
                        job.stepped(step, reply.seconds)
            case Rendered():
                if job := self._job_of(reply.section.song):
                    job.rendered(reply)

    def _measure_work(self, device: str, reply: Reply) -> None:
        match reply:
            case Stepped(sections=(first, *_)) if job := self._job_of(first.section.song):
                self._metrics.devices.step(
                    device,
                    job.request.engine,
                    sections=len(reply.sections),
                    tokens=reply.tokens,
                    budget_tokens=self._budgets[device],
                    seconds=reply.seconds,
                )
            case Rendered() if job := self._job_of(reply.section.song):
                engine = job.request.engine
                self._metrics.devices.render(device, engine, seconds=reply.seconds, sound_seconds=reply.sound_seconds)

    def _job_of(self, key: SongKey) -> Job | None:
        """The job of a song; `None` when it has ended, or when the attempt is not the present one."""
        return self._jobs.get(key.song_id) if self._scheduler.is_current(key) else None

    def _settle(self, lost: Iterable[Lost]) -> None:
        """Log what failed, and end the jobs of songs that are not tried again."""
        for one in lost:
            job = self._jobs.get(one.song_id)
            self._log_failure(one, job)
            if job is not None and one.verdict is Verdict.RETRY:
                self._metrics.songs.retried(job.request.engine, _cause_of(one))
                job.trace.retried(_cause_of(one))
            elif job is not None:
                job.fail(self._error_of(one, job))

    def _log_failure(self, lost: Lost, job: Job | None) -> None:
        failure = lost.failure.failure if lost.failure else None
        if failure is None or failure.fault not in (Fault.BUG, Fault.MEMORY):
            return
        text = failure.text
        if job is not None and not self._settings.log_requests:
            text = without_words(text, job.request.params.lyrics, job.request.params.prompt)
        with bound(**job.names if job else {"song_id": lost.song_id}):
            _log.error("an attempt at a song failed in its worker: %s", text)

    def _error_of(self, lost: Lost, job: Job) -> ServiceError:
        if lost.verdict is not Verdict.POISONED:
            return _error_of(lost)
        error = self._poisoned.add(job.request)
        with bound(**job.names):
            _log.error("a song ended two workers at the same point: request %s", error.fingerprint)
        return error

    def worker_exited(self, device: str) -> None:
        """Let the lanes of a device see that its worker has ended."""
        self._wake_all()

    def worker_restarted(self, device: str) -> None:
        """Count a worker that is started in the place of a lost one."""
        self._metrics.devices.worker_restarted(device)

    def readiness_changed(self) -> None:
        """Fail the songs of engines that do not come back, and tell the subscribers."""
        for engine in filter(self._pool.given_up, self._pool.engine_names):
            for song_id in self._scheduler.waiting(engine):
                self._jobs[song_id].fail(WorkerLost(f"the worker of engine {engine!r} could not be restarted"))
        self._tell_readiness()

    def _tell_readiness(self) -> None:
        for callback in self._subscribers:
            callback()

    def _wake_all(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    def _wake_device(self, device: str) -> None:
        for (name, _), wake in self._wakes.items():
            if name == device:
                wake.set()


def _unread_metrics(pool: WorkerPool) -> Metrics:
    return Metrics(CollectorRegistry(), engines=pool.engine_names, devices=[device.name for device in pool.devices])


def _accepted(position: int, outlook: Outlook | None) -> Accepted:
    song_id = f"song-{uuid.uuid4()}"
    if outlook is None:
        return Accepted(song_id, position)
    return Accepted(song_id, position, outlook.estimate.first_audio_seconds, outlook.estimate.finish_seconds)


def _waiting(place: int, estimate: Estimate | None) -> Waiting:
    if estimate is None:
        return Waiting(place)
    return Waiting(place, estimate.first_audio_seconds, estimate.finish_seconds)


def _word_of(error: ServiceError) -> str:
    """The error's kind as metrics name it: "engine_not_ready"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def _cause_of(lost: Lost) -> str:
    """Why an attempt failed, as metrics name it: "worker_lost", "bug" or "memory"."""
    return "worker_lost" if lost.failure is None else lost.failure.failure.fault.value


def _error_of(lost: Lost) -> ServiceError:
    if lost.failure is None:
        return WorkerLost("the workers that made the song died")
    failure = lost.failure.failure
    match failure.fault:
        case Fault.CALLER:
            return InvalidRequest(*failure.violations)
        case Fault.INSTALLATION:
            return EngineNotReady(failure.text)
        case Fault.MEMORY:
            return OutOfMemory("the song did not fit into the memory of a device", _RETRY_AFTER_MEMORY_SECONDS)
        case Fault.BUG:
            return SongFailed("the song could not be made")
