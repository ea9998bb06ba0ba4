"""A runner without workers, for tests of the server's interfaces: it plays given events."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from model.engine import EngineInfo
from model.song import Control, SectionKind, SectionPlan, SongPlan, Stem, Voice
from server.costs import Costs
from server.errors import Draining, Overloaded, ServiceError, UnknownEngine
from server.song import Accepted, Chunk, Planned, QueueStatus, SongCompleted, SongEvent, SongRequest
from server.songs.ports import EventSink, Room, ServiceState
from server.store.base import StoreFull
from server.store.whole_service import QueueFull

FAKE_INFO = EngineInfo(
    name="fake",
    description="Makes nothing.",
    languages=("zh",),
    license="CC-BY-4.0",
    commercial_use_allowed=True,
    attribution="Sound by nobody.",
    sample_rate_hertz=48_000,
    channels=2,
    duration_seconds=(10.0, 200.0),
    steps=(2, 100),
    default_steps=20,
    guidance_scale=(1.0, 7.0),
    default_guidance_scale=3.0,
    controls=frozenset(Control) - {Control.ANCHOR},
    stems=frozenset({Stem.VOCAL, Stem.DRUMS}),
    voices=frozenset({Voice.FEMALE}),
    license_urls=("https://creativecommons.org/licenses/by/4.0/",),
    length_is_exact=False,
)

FAKE_PLAN = SongPlan(
    engine="fake",
    seed=1,
    steps=20,
    guidance_scale=3.0,
    duration_seconds=12.0,
    sections=(SectionPlan(0, SectionKind.VERSE, "verse 1", 0.0, 12.0),),
)

BUFFER_BYTES = 1 << 20

FAKE_EVENTS: tuple[SongEvent, ...] = (
    Planned(FAKE_PLAN, delay_samples=1105, sample_count=529_200, sample_count_exact=True),
    Chunk(0, b"sound", 0, 0.0, 12.0, 0, 0),
    SongCompleted(12.0, 529_200, 5, "ab" * 32, 0.0, 0.1, 0.2, 0.3),
)


class FakeJob:
    """A stand-in for the job of a song: it sends the given events to the song's sink, then ends the song, ends it with
    `error`, or with `hangs` leaves it open.
    """

    def __init__(
        self, sink: EventSink, events: Sequence[SongEvent], error: ServiceError | None, *, hangs: bool
    ) -> None:
        self.closed = asyncio.Event()
        self.ended = asyncio.Event()
        self.going = asyncio.Event()
        self.going.set()
        self._sink = sink
        self._heard = asyncio.Event()
        sink.on_heard(self._heard.set)
        self._task = asyncio.create_task(self._play(events, error, hangs=hangs))

    def cancel(self) -> None:
        self.closed.set()
        self._heard.set()

    def pause(self) -> None:
        self.going.clear()

    def resume(self) -> None:
        self.going.set()

    async def _play(self, events: Sequence[SongEvent], error: ServiceError | None, *, hangs: bool) -> None:
        for event in events:
            while self._sink.unheard_bytes >= BUFFER_BYTES and not self.closed.is_set():
                self._heard.clear()
                await self._heard.wait()
            await self.going.wait()
            self._sink.append(event)
            await asyncio.sleep(0)
        if hangs:
            await self.closed.wait()
        self._sink.end(error)
        self.closed.set()
        self.ended.set()


class FakeRunner:
    """A stand-in for the runner: it accepts every song for its only engine "fake", or raises `refusal` if it is given.
    Each song has the given events; then it ends, ends with `error`, or with `hangs` never ends.
    """

    def __init__(
        self,
        events: Sequence[SongEvent] = FAKE_EVENTS,
        *,
        error: ServiceError | None = None,
        refusal: Exception | None = None,
        hangs: bool = False,
        info: EngineInfo | None = FAKE_INFO,
    ) -> None:
        self.requests: list[SongRequest] = []
        self.jobs: list[FakeJob] = []
        self.info = info
        self.draining = False
        self.refused = 0
        self.counted: list[ServiceError] = []
        self.faults: list[tuple[str, Exception]] = []
        self.states: list[ServiceState] = []
        self.slots, self.queued = 8, 64
        self.sounds = "one"
        self._events = events
        self._error = error
        self._refusal = refusal
        self._hangs = hangs
        self._subscribers: list[Callable[[], None]] = []

    def ready(self, engine: str) -> bool:
        return self.info is not None and engine == self.info.name

    def sound(self, engine: str) -> str:
        return self.sounds

    def engines(self) -> Mapping[str, EngineInfo]:
        return {} if self.info is None else {self.info.name: self.info}

    def engine_devices(self, name: str) -> tuple[str, ...]:
        return ("cpu",) if self.ready(name) else ()

    def subscribe(self, callback: Callable[[], None]) -> None:
        self._subscribers.append(callback)

    def load(self, info: EngineInfo | None) -> None:
        """Set the engine's properties (ready), or `None` (not ready), and notify the subscribers."""
        self.info = info
        for callback in self._subscribers:
            callback()

    @property
    def queues_unserved(self) -> bool:
        return False

    def costs(self, engine: str) -> Costs | None:
        return None

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        return {name: 10.0 * sum(song.engine == name for song in service.queue.waiting) for name in service.known}

    def room(self) -> Room:
        return Room(slots=self.slots, queued=self.queued, kept=self.queued // 8, free=self.slots)

    def check(self, request: SongRequest, service: ServiceState | None = None) -> "FakeCheckedSong":
        if service is not None:
            self.states.append(service)
        if self.draining:
            self.refused += 1
            raise Draining("the server is shutting down")
        if self._refusal is not None:
            raise self._refusal
        if request.engine not in self.engines() and (service is None or request.engine not in service.engines):
            raise UnknownEngine(request.engine, tuple(self.engines()))
        return FakeCheckedSong(self, request)

    def waiting(self, service: ServiceState) -> Mapping[str, QueueStatus]:
        songs = enumerate(service.queue.waiting, start=1)
        return {song.song_id: QueueStatus(position, 10.0 * position, 20.0 * position) for position, song in songs}

    def refusal(self, request: SongRequest, error: QueueFull | StoreFull | ServiceError) -> ServiceError:
        match error:
            case QueueFull():
                return Overloaded(f"{error.songs} songs", 2.0)
            case StoreFull():
                return Overloaded(f"no room: {error}", 2.0)
            case ServiceError():
                self.counted.append(error)
                return error

    def fault(self, engine: str, error: Exception) -> None:
        self.faults.append((engine, error))

    def begin(self, request: SongRequest, accepted: Accepted, sink: EventSink) -> FakeJob:
        self.requests.append(request)
        sink.append(accepted)
        self.jobs.append(FakeJob(sink, self._events, self._error, hangs=self._hangs))
        return self.jobs[-1]

    def stop(self) -> None:
        """Cancel all songs."""
        for job in self.jobs:
            job.cancel()


class FakeCheckedSong:
    """A stand-in for a checked request, which a fake runner begins as a song."""

    def __init__(self, runner: FakeRunner, request: SongRequest) -> None:
        self._runner = runner
        self._request = request

    def accepted(self, song_id: str, queue_position: int) -> Accepted:
        return Accepted(song_id, queue_position, 0.5)

    def begin(self, song_id: str, sink: EventSink, queue_position: int) -> FakeJob:
        return self._runner.begin(self._request, self.accepted(song_id, queue_position), sink)
