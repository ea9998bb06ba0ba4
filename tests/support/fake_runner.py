"""A runner without workers, for tests of the server's edge: it tells what it was told to tell."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType

from model.engine import EngineInfo
from model.song import Control, SectionKind, SectionPlan, SongPlan, Stem, Voice
from server.errors import Draining, ServiceError, UnknownEngine
from server.song import Accepted, Chunk, Planned, SongCompleted, SongEvent, SongRequest

FAKE_INFO = EngineInfo(
    name="fake",
    description="Makes nothing.",
    languages=("zh",),
    sample_rate_hertz=48_000,
    duration_seconds=(10.0, 200.0),
    steps=(2, 100),
    default_steps=20,
    guidance_scale=(1.0, 7.0),
    default_guidance_scale=3.0,
    controls=frozenset(Control) - {Control.ANCHOR},
    stems=frozenset({Stem.VOCAL, Stem.DRUMS}),
    voices=frozenset({Voice.FEMALE}),
)

FAKE_PLAN = SongPlan(
    engine="fake",
    seed=1,
    steps=20,
    guidance_scale=3.0,
    duration_seconds=12.0,
    sections=(SectionPlan(0, SectionKind.VERSE, "verse 1", 0.0, 12.0),),
)

FAKE_EVENTS: tuple[SongEvent, ...] = (
    Planned(FAKE_PLAN, delay_samples=1105),
    Chunk(0, b"sound", 0, 0.0, 12.0, 0, 0),
    SongCompleted(12.0, 529_200, 5, "ab" * 32, 0.0, 0.1, 0.2, 0.3),
)


class FakeJob:
    """A song whose events are known beforehand; `error` comes after them, `hangs` keeps the song from ending."""

    def __init__(self, song_id: str, events: Sequence[SongEvent], error: Exception | None, *, hangs: bool) -> None:
        self.accepted = Accepted(song_id, 0, 0.5)
        self.closed = asyncio.Event()
        self._events = events
        self._error = error
        self._hangs = hangs

    async def events(self) -> AsyncIterator[SongEvent]:
        for event in self._events:
            yield event
        if self._hangs:
            await self.closed.wait()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        self.closed.set()

    async def __aenter__(self) -> "FakeJob":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.closed.set()


class FakeRunner:
    """Takes every song for its one engine "fake" and plays `events`."""

    def __init__(
        self,
        events: Sequence[SongEvent] = FAKE_EVENTS,
        *,
        error: Exception | None = None,
        refusal: ServiceError | None = None,
        hangs: bool = False,
        info: EngineInfo | None = FAKE_INFO,
    ) -> None:
        self.requests: list[SongRequest] = []
        self.jobs: list[FakeJob] = []
        self.info = info
        self.draining = False
        self._events = events
        self._error = error
        self._refusal = refusal
        self._hangs = hangs
        self._subscribers: list[Callable[[], None]] = []

    def ready(self, engine: str) -> bool:
        return self.info is not None and engine == self.info.name

    def engines(self) -> Mapping[str, EngineInfo]:
        return {} if self.info is None else {self.info.name: self.info}

    def engine_devices(self, name: str) -> tuple[str, ...]:
        return ("cpu",) if self.ready(name) else ()

    def subscribe(self, callback: Callable[[], None]) -> None:
        self._subscribers.append(callback)

    def load(self, info: EngineInfo | None) -> None:
        """Become ready with `info`, or not ready with `None`, and tell the subscribers."""
        self.info = info
        for callback in self._subscribers:
            callback()

    def submit(self, request: SongRequest) -> FakeJob:
        if self.draining:
            raise Draining("the server is shutting down")
        if self._refusal is not None:
            raise self._refusal
        if request.engine not in self.engines():
            raise UnknownEngine(request.engine, tuple(self.engines()))
        self.requests.append(request)
        song_id = f"song-{len(self.jobs) + 1}"
        self.jobs.append(FakeJob(song_id, self._events, self._error, hangs=self._hangs))
        return self.jobs[-1]

    def stop(self) -> None:
        """End what still hangs."""
        for job in self.jobs:
            job.cancel()
