"""The facts that every song store keeps, whatever it keeps songs in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from server.audio.codecs.registry import file_suffixes
from server.song import SongState
from server.store.base import Place, SongRecord, SongStore, StoredEvent, StoreFailed, Usage
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from tests.support.memory_store import MemoryStore
from tests.support.stored_songs import HOUR_NS, keep, record

OWNER = "this process"

Opening: TypeAlias = Callable[[Path, StoreLimits, int], AbstractAsyncContextManager[SongStore]]
OpenStore: TypeAlias = Callable[..., AbstractAsyncContextManager[SongStore]]


@asynccontextmanager
async def embedded(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[SongStore]:
    async with embedded_store(folder, limits, file_suffixes(), owner=OWNER, now_ns=lambda: now_ns) as store:
        yield store


@asynccontextmanager
async def in_memory(folder: Path, limits: StoreLimits, now_ns: int) -> AsyncIterator[SongStore]:
    store = MemoryStore(OWNER, limits, lambda: now_ns)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture(params=[embedded, in_memory])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens a store of one kind at a fixed time, with limits by their names."""
    opening: Opening = request.param
    return lambda now_ns=0, **limits: opening(tmp_path, StoreLimits(**limits), now_ns)


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[SongStore]:
    """A store without limits."""
    async with open_store() as opened:
        yield opened


def ids(songs: Any) -> list[str]:
    return [song.song_id for song in songs]


async def test_a_new_song_is_there_without_sound(store: SongStore) -> None:
    await store.create(record())
    song = await store.get("song-1")
    assert song == replace(record(), owner=OWNER, epoch=1)
    assert await store.load("song-1") == (song, [])
    assert await store.read("song-1", 0, 100) == b""
    assert store.usage() == Usage(1, 0)


async def test_every_field_of_a_record_is_kept(store: SongStore) -> None:
    song = SongRecord(
        song_id="song-1",
        caller="mé",
        request_id="request",
        fingerprint="ab" * 32,
        engine="fake",
        prompt='春天, it\'s "spring"',
        seed=2**32 - 1,
        created_ns=1_900_000_000_000_000_001,
        state=SongState.FAILED,
        ended_ns=1_900_000_000_000_000_002,
        duration_seconds=12.5,
        size_bytes=0,
        sha256="cd" * 32,
        reason="WORKER_LOST",
        error="it went away",
        format="mp3",
        owner=OWNER,
        epoch=1,
    )
    await store.create(record())
    await store.end(song)
    assert await store.get("song-1") == song


async def test_the_owner_of_a_song_is_the_process_that_created_it_whatever_its_record_says(store: SongStore) -> None:
    stranger = replace(record(), owner="somebody else", epoch=7)
    assert store.owner == OWNER
    await store.create(stranger)
    await store.append(replace(stranger, size_bytes=5), [StoredEvent(b"chunk", 5)], b"first")
    await store.end(replace(stranger, size_bytes=5, state=SongState.COMPLETED, ended_ns=1))
    song = await store.get("song-1")
    assert song is not None
    assert (song.owner, song.epoch) == (OWNER, 1)


async def test_events_and_sound_come_back_as_they_were_added(store: SongStore) -> None:
    song = replace(record(), state=SongState.RUNNING, duration_seconds=3.0)
    events = [StoredEvent(b"plan\0"), StoredEvent(b"", 5), StoredEvent(bytes(range(256)), 11), StoredEvent(b"end")]
    await store.create(record())
    await store.append(song, events[:1], b"")
    assert await store.get("song-1") == replace(song, owner=OWNER)
    await store.append(replace(song, size_bytes=11), events[1:3], b"firstsecond")
    await store.append(replace(song, size_bytes=11), events[3:], b"")
    assert await store.load("song-1") == (replace(song, size_bytes=11, owner=OWNER), events)
    assert await store.read("song-1", 0, 100) == b"firstsecond"
    assert store.usage() == Usage(1, 11)


async def test_a_song_that_has_ended_stays_as_it_ended(store: SongStore) -> None:
    song = await keep(store, record(), b"first", b"second")
    assert (song.state, song.size_bytes) == (SongState.COMPLETED, 11)
    assert await store.load("song-1") == (song, [StoredEvent(b"chunk", 5), StoredEvent(b"chunk", 11)])
    with pytest.raises(StoreFailed):
        await store.append(replace(song, size_bytes=15), [StoredEvent(b"more", 15)], b"more")
    assert await store.load("song-1") == (song, [StoredEvent(b"chunk", 5), StoredEvent(b"chunk", 11)])
    assert await store.read("song-1", 0, 100) == b"firstsecond"
    assert store.usage() == Usage(1, 11)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("offset", "size", "sound"),
    [(0, 11, b"firstsecond"), (3, 5, b"stsec"), (9, 100, b"nd"), (11, 1, b""), (50, 1, b""), (4, 0, b"")],
)
async def test_sound_is_read_from_any_byte_on(
    store: SongStore, offset: int, size: int, sound: bytes, ended: bool
) -> None:
    await store.create(record())
    await store.append(replace(record(), size_bytes=5), [StoredEvent(b"chunk", 5)], b"first")
    song = replace(record(), size_bytes=11)
    await store.append(song, [StoredEvent(b"chunk", 11)], b"second")
    if ended:
        await store.end(replace(song, state=SongState.COMPLETED, ended_ns=1))
    assert await store.read("song-1", offset, size) == sound


async def test_songs_do_not_mix(store: SongStore) -> None:
    sounds = {number: bytes([number]) * 100_000 for number in (1, 2, 3)}
    await asyncio.gather(*(keep(store, record(number), sound) for number, sound in sounds.items()))
    for number, sound in sounds.items():
        assert await store.read(f"song-{number}", 0, 1 << 20) == sound
    assert store.usage() == Usage(3, 300_000)


async def test_calls_take_effect_in_the_order_in_which_they_are_made(store: SongStore) -> None:
    first, second = (replace(record(), size_bytes=size, state=SongState.RUNNING) for size in (5, 11))
    ended = replace(second, state=SongState.COMPLETED, ended_ns=1)
    _, _, between, _, _, after = await asyncio.gather(
        store.create(record()),
        store.append(first, [StoredEvent(b"one", 5)], b"first"),
        store.load("song-1"),
        store.append(second, [StoredEvent(b"two", 11)], b"second"),
        store.end(ended),
        store.load("song-1"),
    )
    assert between == (replace(first, owner=OWNER), [StoredEvent(b"one", 5)])
    assert after == (replace(ended, owner=OWNER), [StoredEvent(b"one", 5), StoredEvent(b"two", 11)])


async def test_a_song_that_is_not_there_is_told_and_cannot_be_changed(store: SongStore) -> None:
    await keep(store, record(2), b"other")
    assert await store.get("song-1") is None
    assert await store.load("song-1") is None
    assert await store.find("me", "request-1") is None
    for call in (
        store.read("song-1", 0, 1),
        store.append(replace(record(), size_bytes=5), [StoredEvent(b"chunk", 5)], b"first"),
        store.end(replace(record(), state=SongState.COMPLETED, ended_ns=1)),
    ):
        with pytest.raises(StoreFailed):
            await call
    assert await store.get("song-1") is None
    assert store.usage() == Usage(1, 5)


async def test_a_song_is_created_once(store: SongStore) -> None:
    song = await keep(store, record(1), b"first")
    with pytest.raises(StoreFailed):
        await store.create(replace(record(1), prompt="another"))
    assert await store.get("song-1") == song
    assert await store.read("song-1", 0, 9) == b"first"
    assert store.usage() == Usage(1, 5)


async def test_songs_are_paged_newest_first_for_their_caller(store: SongStore) -> None:
    for number in range(1, 6):
        await store.create(record(number, "me" if number != 3 else "other"))
    first = await store.page("me", None, 2)
    assert ids(first) == ["song-5", "song-4"]
    rest = await store.page("me", Place(4, "song-4"), 10)
    assert ids(rest) == ["song-2", "song-1"]
    assert ids(await store.page("other", None, 10)) == ["song-3"]
    assert list(await store.page("nobody", None, 10)) == []
    assert list(await store.page("me", Place(1, "song-1"), 10)) == []


async def test_songs_of_one_moment_are_paged_by_their_names(store: SongStore) -> None:
    for number in (2, 1, 3):
        await store.create(replace(record(number), created_ns=9))
    assert ids(await store.page("me", None, 10)) == ["song-3", "song-2", "song-1"]
    assert ids(await store.page("me", Place(9, "song-2"), 10)) == ["song-1"]


async def test_a_page_begins_behind_its_place_whether_or_not_that_song_is_still_there(open_store: OpenStore) -> None:
    async with open_store(max_bytes=0) as store:
        for number in (1, 2, 3):
            await keep(store, record(number), b"sound")
        assert await store.clean_up({"song-1", "song-3"}) == 1
        assert ids(await store.page("me", Place(2, "song-2"), 10)) == ["song-1"]


async def test_the_newest_song_of_a_request_is_found(store: SongStore) -> None:
    await store.create(record(1))
    await store.create(replace(record(2), request_id="request-1"))
    await store.create(record(3))
    found = await store.find("me", "request-1")
    assert found is not None
    assert found.song_id == "song-2"
    assert await store.find("other", "request-1") is None


async def test_a_request_is_found_however_its_song_has_ended(store: SongStore) -> None:
    await store.create(record())
    failed = replace(record(), state=SongState.FAILED, ended_ns=1, reason="WORKER_LOST")
    await store.end(failed)
    assert await store.find("me", "request-1") == replace(failed, owner=OWNER)


async def test_the_songs_that_ended_first_go_first_until_the_rest_has_room(open_store: OpenStore) -> None:
    async with open_store(max_bytes=12) as store:
        for number, ended_ns in ((1, 30), (2, 10), (3, 20)):
            await keep(store, record(number), b"12345", ended_ns=ended_ns)
        await store.create(record(4))
        assert await store.clean_up({"song-2"}) == 1
        assert ids(await store.page("me", None, 9)) == ["song-4", "song-2", "song-1"]
        assert store.usage() == Usage(3, 10)
        assert await store.clean_up({"song-2"}) == 0


async def test_old_songs_go(open_store: OpenStore) -> None:
    async with open_store(now_ns=10 * HOUR_NS, max_age_hours=2.0) as store:
        await keep(store, record(1), b"old", ended_ns=7 * HOUR_NS)
        await keep(store, record(2), b"young", ended_ns=9 * HOUR_NS)
        assert await store.clean_up(set()) == 1
        assert await store.get("song-1") is None
        assert await store.get("song-2") is not None


async def test_nothing_is_left_of_a_deleted_song(open_store: OpenStore) -> None:
    async with open_store(max_bytes=0) as store:
        await keep(store, record(), b"first")
        assert await store.clean_up(set()) == 1
        assert await store.load("song-1") is None
        assert await store.find("me", "request-1") is None
        assert list(await store.page("me", None, 9)) == []
        assert store.usage() == Usage(0, 0)
        with pytest.raises(StoreFailed):
            await store.read("song-1", 0, 1)
        await store.create(record())
        assert await store.read("song-1", 0, 1) == b""


async def test_a_song_is_not_deleted_while_it_is_being_made(open_store: OpenStore) -> None:
    async with open_store(max_bytes=0) as store:
        await store.create(record())
        await store.append(replace(record(), size_bytes=5), [StoredEvent(b"chunk", 5)], b"first")
        assert await store.clean_up(set()) == 0


async def test_without_limits_everything_is_kept(store: SongStore) -> None:
    await keep(store, record(), b"first")
    assert await store.clean_up(set()) == 0


async def test_a_closed_store_refuses_every_call(open_store: OpenStore) -> None:
    async with open_store() as store:
        await keep(store, record(1), b"first")
    calls: list[Coroutine[Any, Any, object]] = [
        store.create(record(2)),
        store.append(record(1), [], b""),
        store.end(record(1)),
        store.get("song-1"),
        store.find("me", "request-1"),
        store.page("me", None, 1),
        store.load("song-1"),
        store.read("song-1", 0, 1),
        store.clean_up(set()),
    ]
    for call in calls:
        with pytest.raises(StoreFailed, match="closed"):
            await call
