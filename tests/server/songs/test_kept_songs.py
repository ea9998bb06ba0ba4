"""Tests of songs that are stored, songs that cannot be stored, and songs of which nothing is stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.errors import (
    SongNotKept,
    WorkerLost,
)
from server.song import SongEvent, SongState
from server.songs.service import Songs
from server.store.base import StoreFailed
from server.store.watcher import UNWATCHED, StoreWatcher, Unwatched
from tests.support.checking import PassingChecker
from tests.support.edge import songs_of
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner
from tests.support.song_requests import REQUEST_ID, heard, request, until
from tests.support.store_kinds import embedded_replica


class CountingWatcher(Unwatched):
    """A watcher that counts the songs that could not be stored."""

    def __init__(self) -> None:
        self.songs = 0

    def not_kept(self, engine: str) -> None:
        self.songs += 1


@asynccontextmanager
async def unkept(
    runner: FakeRunner, folder: Path, monkeypatch: pytest.MonkeyPatch, watcher: StoreWatcher = UNWATCHED
) -> AsyncIterator[Songs]:
    """Context manager with the songs service of a store that fails every write, as without free space, so that no song
    is stored.
    """

    async def no_room(*_: object, **__: object) -> None:
        raise StoreFailed("no room")

    async with embedded_replica(folder) as server:
        for name in ("create", "append", "end"):
            monkeypatch.setattr(server.store, name, no_room)
        songs = Songs(runner, ("fake",), server.store, server.directory, checker=PassingChecker(), watcher=watcher)
        try:
            yield songs
        finally:
            await songs.close()


async def test_a_song_that_cannot_be_kept_goes_on_for_its_listener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with unkept(FakeRunner(), tmp_path, monkeypatch) as songs:
        assert await heard(await songs.generate(request(), "me")) == ["accepted", "plan", "chunk", "finished"]


async def test_who_relies_on_a_song_that_cannot_be_kept_is_told_and_it_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = CountingWatcher()
    async with unkept(FakeRunner(), tmp_path, monkeypatch, watcher) as songs:
        heard_whole = await songs.generate(request(), "me")
        await heard(heard_whole)
        detached = await songs.generate(request(), "me", detached=True)
        for waiting in (heard_whole.keeping.done(), detached.keeping.begun(), detached.keeping.done()):
            with pytest.raises(SongNotKept):
                await waiting
        assert heard_whole.song.state is SongState.COMPLETED
        assert (detached.song.state, detached.song.reason) == (SongState.FAILED, "NOT_KEPT")
        await until(lambda: watcher.songs == 2)


async def test_nothing_is_kept_of_a_song_that_was_cancelled_before_it_was_planned() -> None:
    runner = FakeRunner((), hangs=True)
    async with songs_of(runner) as songs:
        for request_id in ("", REQUEST_ID):
            recording = await songs.generate(request(request_id=request_id), "me", detached=bool(request_id))
            await recording.keeping.begun()
            assert len((await songs.page("me"))[0]) == 1
            song = await songs.cancel(recording.song.song_id, "me")
            await until(lambda: not songs.eviction._store.usage().songs)
            assert (await songs.get(song.song_id, "me")).state is SongState.CANCELLED  # for a moment
            assert (await songs.page("me"))[0] == []


@pytest.mark.parametrize(("events", "kept"), [((), 0), (FAKE_EVENTS[:1], 1)])
async def test_a_song_that_was_cancelled_is_kept_from_its_plan_on(events: tuple[SongEvent, ...], kept: int) -> None:
    async with songs_of(FakeRunner(events, hangs=True)) as songs:
        recording = await songs.generate(request(), "me", detached=True)
        await until(lambda: len(recording.entries) == 1 + len(events))
        await songs.cancel("song-1", "me")
        await songs.close()
        assert songs.eviction._store.usage().songs == kept


@pytest.mark.parametrize(
    ("fields", "detached", "kept"), [({}, False, 0), ({"request_id": REQUEST_ID}, False, 1), ({}, True, 1)]
)
async def test_a_song_that_failed_before_its_plan_is_kept_where_somebody_may_ask_why(
    fields: dict[str, str], detached: bool, kept: int
) -> None:
    async with songs_of(FakeRunner((), error=WorkerLost("gone"))) as songs:
        recording = await songs.generate(request(**fields), "me", detached=detached)
        with pytest.raises(WorkerLost):
            await heard(recording)
        await songs.close()
        assert songs.eviction._store.usage().songs == kept


async def test_a_song_that_cannot_be_kept_and_that_nobody_hears_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = FakeRunner((), hangs=True)
    async with unkept(runner, tmp_path, monkeypatch) as songs:
        recording = await songs.generate(request(), "me", detached=True)
        await until(runner.jobs[0].closed.is_set)
        assert recording.song.state is SongState.FAILED


async def test_a_complete_song_that_was_not_kept_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = FakeRunner()
    async with unkept(runner, tmp_path, monkeypatch) as songs:
        for count in (1, 2):
            recording = await songs.generate(request(request_id=REQUEST_ID), "me")
            assert await heard(recording) == ["accepted", "plan", "chunk", "finished"]
            await songs.close()
            assert len(runner.jobs) == count
