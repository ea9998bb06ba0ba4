"""Two replicas of one service in memory: one makes songs, the other has no free slot."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from melisma.v1 import music_pb2
from server.audio.codecs.registry import file_suffixes
from server.background import in_background
from server.quota import Quota
from server.song import Chunk, Planned, SongCompleted, SongEvent
from server.songs.recordings.recording import Recording
from server.songs.service import Songs
from server.songs.shared.sharing import Resumption, SharingRules
from server.songs.shared.storing import Pace
from server.songs.tickets import Terms
from server.store.base import Extent, Lease, SongRecord, SongStore, StoreFailed, StoreFull
from server.store.claim import Claim
from server.store.directory import Admitted, Directory, LeaseStatus, Ticket
from server.store.embedded.admitted_songs import AdmittedSong
from server.store.embedded.directory import EmbeddedDirectory, EmbeddedService
from server.store.embedded.store import EmbeddedStore, embedded_store
from server.store.eviction import StoreLimits
from server.store.watcher import Unwatched
from server.store.whole_service import Queue
from tests.support.checking import PassingChecker
from tests.support.fake_runner import FAKE_EVENTS, FAKE_PLAN, FakeRunner

REQUEST_ID = "6f2d1a5e-93a6-4f0f-9a5c-0d8f3c2b1a00"
LONG: tuple[SongEvent, ...] = (
    Planned(FAKE_PLAN, delay_samples=1105, sample_count=529_200, sample_count_exact=True),
    *(Chunk(number, b"sound", 0, float(number), 1.0, 5 * number, 0) for number in range(12)),
    SongCompleted(12.0, 529_200, 60, "ab" * 32, 0.0, 0.1, 0.2, 0.3),
)


class SharedStore:
    """A stand-in for a shared store, which is the embedded one. An append raises each error in `trouble` once, after it
    has stored the data.

    While `full` is True the store accepts no sound.
    """

    embedded = False

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self.trouble: list[Exception] = []
        self.full = False
        self.held = asyncio.Event()
        self.held.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, song: SongRecord, events: Any, sound: bytes, *, lease: Lease, at: Extent) -> None:
        await self.held.wait()
        if self.full:
            raise StoreFull("no room")
        await self._store.append(song, events, sound, lease=lease, at=at)
        if self.trouble:
            raise self.trouble.pop()


class WatchedDirectory:
    """The song directory as one replica sees it; `asked` counts the replica's queries for the queue.

    While `away` is True, queries and renewals of leases fail; while `full` is True, no song is admitted.
    """

    def __init__(self, directory: EmbeddedDirectory) -> None:
        self._directory = directory
        self.away = self.full = False
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._directory, name)

    async def admit(self, ticket: Ticket) -> Admitted:
        if self.full:
            raise StoreFull("no room")
        return await self._directory.admit(ticket)

    async def queue(self) -> Queue:
        self.asked += 1
        self._require()
        return await self._directory.queue()

    async def renew(self, leases: Any) -> dict[str, LeaseStatus]:
        self._require()
        return dict(await self._directory.renew(leases))

    def _require(self) -> None:
        if self.away:
            raise StoreFailed("the directory is unreachable")


class CountingWatcher(Unwatched):
    """A store watcher that counts events such as lost leases."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def lease_lost(self) -> None:
        self.counts["lease lost"] += 1

    def handed_over(self) -> None:
        self.counts["handed over"] += 1

    def found_lost(self) -> None:
        self.counts["found lost"] += 1

    def taken_over(self) -> None:
        self.counts["taken over"] += 1

    def diverged(self) -> None:
        self.counts["diverged"] += 1

    def interrupted(self, engine: str) -> None:
        self.counts["interrupted"] += 1


@dataclass
class Pair:
    """Two replicas of one service: `here` (with the runner `full`, which has no free slot) and `there` (with the runner
    `maker`), and the store and directories that they use.
    """

    here: Songs
    there: Songs
    full: FakeRunner
    maker: FakeRunner
    store: SharedStore
    service: EmbeddedService
    directories: tuple[WatchedDirectory, WatchedDirectory]
    watcher: CountingWatcher

    def lose(self, song_id: str = "song-1") -> AdmittedSong:
        """Let the lease of a song of `there` expire now, and keep its replica from renewing it; return the song."""
        self.directories[1].away = True
        song = self.service.songs._songs[song_id]
        song.lease_until = 0.0
        self.service.bulletin.post("any")
        return song

    async def lose_to_another(self, song_id: str = "song-1") -> None:
        """Let the lease of a song of `there` expire, wait until another replica has claimed the song, then reconnect
        its replica.
        """
        lease = self.service.songs._songs[song_id].lease
        song = self.lose(song_id)
        await until(lambda: song.lease != lease)
        self.directories[1].away = False


def _end_songs(maker: FakeRunner, store: SharedStore) -> None:
    """Cancel all songs of a runner, and let appends that a test holds up continue, so that the service can close."""
    maker.stop()
    store.held.set()


def _songs(runner: FakeRunner, store: SharedStore, directory: WatchedDirectory, **given: Any) -> Songs:
    """Return the songs service of one replica, on the store that both replicas share and the replica's own view of the
    directory.
    """
    known = cast(SongStore, store), cast(Directory, directory)
    return Songs(runner, ("fake",), *known, checker=PassingChecker(), **given)


@asynccontextmanager
async def pair(
    events: tuple[SongEvent, ...] = FAKE_EVENTS,
    *,
    folder: Path,
    quota: Quota = Quota(),  # noqa: B008
    linger_seconds: float = 10.0,
    heartbeat_seconds: float = 5.0,
    outage_seconds: float = 0.0,
    limits: StoreLimits = StoreLimits(),  # noqa: B008
    here: FakeRunner | None = None,
    resumption: Resumption = Resumption(),  # noqa: B008
    **fakes: Any,
) -> AsyncIterator[Pair]:
    """Context manager with two replicas: `there` makes songs with the events `events`, and the slots of `here` are all
    taken. `quota` holds for every caller; `here` is the runner of the replica `here`, and `fakes` are parameters of the
    fake runner of `there`.
    """
    numbers = itertools.count(1)
    full, maker = here or FakeRunner(), FakeRunner(events, **fakes)
    full.slots = 0
    watcher = CountingWatcher()
    rules = SharingRules(Pace(0.0, outage_seconds, heartbeat_seconds), lease_seconds=0.3, resumption=resumption)
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(embedded_store(folder, limits, file_suffixes()))
        store, service = SharedStore(opened), EmbeddedService(opened)
        directories = WatchedDirectory(service.replica("here")), WatchedDirectory(service.replica("there"))

        terms = {"terms": lambda _: Terms(quota), "linger_seconds": linger_seconds}
        given = {"song_id": lambda: f"song-{next(numbers)}", "watcher": watcher, "sharing": rules, **terms}
        replicas = _songs(full, store, directories[0], **given), _songs(maker, store, directories[1], **given)
        for one in replicas:
            stack.push_async_callback(one.close)
            await stack.enter_async_context(in_background(one.run()))
        stack.callback(_end_songs, maker, store)
        async with asyncio.timeout(10):
            yield Pair(*replicas, full, maker, store, service, directories, watcher)


def request(**fields: object) -> music_pb2.GenerateRequest:
    return music_pb2.GenerateRequest(**{"prompt": "pop", "seed": 5, **fields})  # type: ignore[arg-type]


async def heard(recording: Recording, byte_offset: int = 0) -> tuple[list[str], bytes]:
    """Return the kinds of a song's stored events, and its sound."""
    kinds, sound = [], b""
    with recording.listened(byte_offset) as told:
        async for one in told:
            if one.number is not None:
                kinds.append(str(one.message.WhichOneof("event")))
            sound += one.message.chunk.data
    return kinds, sound


async def signs(recording: Recording, count: int) -> list[music_pb2.SongProgress]:
    """Return the next `count` progress messages that a listener of the song gets; they are sent, but not stored."""
    found: list[music_pb2.SongProgress] = []
    with recording.listened() as told:
        async for one in told:
            if one.number is None:
                found.append(one.message.progress)
            if len(found) == count:
                return found
    raise AssertionError("the song has ended")


async def taken_over(service: EmbeddedService, song_id: str) -> Claim:
    """Let the lease of a song expire, and return the claim that a third replica gets on the song. It is tried several
    times, because the song's own replica may renew the lease in between.
    """
    for _ in range(20):
        service.songs._songs[song_id].lease_until = 0.0
        if claim := await service.replica("third").claim_lost():
            return claim
    raise AssertionError(f"{song_id} could not be taken over")


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)
