"""Tests of REST with a store that has lost sound, or cannot store songs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.songs.service import Songs
from server.store.base import StoreFailed, StoreFull
from tests.support.checking import PassingChecker
from tests.support.embedded_folders import fill, small_disk
from tests.support.fake_runner import FakeRunner
from tests.support.rest import MUSIC, Rest
from tests.support.rest_edge import ask, rest_of
from tests.support.store_kinds import Replica, embedded_replica

SONG = {"prompt": "pop", "seed": 5}


@asynccontextmanager
async def rest_on(server: Replica) -> AsyncIterator[Rest]:
    songs = Songs(FakeRunner(), ("fake",), server.store, server.directory, checker=PassingChecker())
    try:
        async with rest_of(songs) as rest:
            yield rest
    finally:
        await songs.close()


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("GET", {"Range": "bytes=1-3"}), ("GET", {"Range": "bytes=-2"}), ("HEAD", {})]
)
async def test_sound_that_is_gone_is_told_before_the_answer_begins(
    tmp_path: Path, method: str, headers: dict[str, str]
) -> None:
    async with embedded_replica(tmp_path) as server:
        async with rest_on(server) as rest:
            task_id = (await ask(rest, "POST", f"{MUSIC}/generate", SONG)).json["task_id"]
        for path in tmp_path.glob("*.mp3"):
            path.unlink()
        async with rest_on(server) as rest:  # which has nothing of it in memory
            answer = await ask(rest, method, f"/audio/{task_id}.mp3", **headers)
    assert answer.status == 503
    assert method == "HEAD" or answer.json["reason"] == "STORE_UNAVAILABLE"


@pytest.mark.parametrize("failing", [("create",), ("append", "end"), ("end",)])
@pytest.mark.parametrize("error", [StoreFull("the disk is full"), StoreFailed("the folder was removed")])
async def test_nobody_is_promised_a_song_that_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: tuple[str, ...], error: StoreFailed
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    async with embedded_replica(tmp_path) as server, rest_on(server) as rest:
        for name in failing:
            monkeypatch.setattr(server.store, name, fail)
        answer = await ask(rest, "POST", f"{MUSIC}/generate", SONG)
        assert (answer.status, answer.json["reason"]) == (503, "NOT_KEPT")
        answer = await ask(rest, "POST", f"{MUSIC}/generate", SONG, Prefer="respond-async")
        if answer.status == 202:  # its record is stored
            assert failing != ("create",)
            await asyncio.to_thread(rest.wait_until, answer.json["task_id"], "failed")
        else:
            assert (answer.status, answer.json["reason"]) == (503, "NOT_KEPT")
        listed = (await ask(rest, "GET", MUSIC)).json["songs"]
        assert [song["error"]["reason"] for song in listed] == ([] if failing == ("create",) else ["NOT_KEPT"] * 2)


async def test_on_a_full_disk_nobody_is_promised_a_song_and_once_there_is_room_they_are_kept_again(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path):
        async with embedded_replica(tmp_path) as server, rest_on(server) as rest:
            fill(tmp_path)
            while (await ask(rest, "POST", f"{MUSIC}/generate", SONG)).status == 200:
                pass  # there was room in the log of the database
            for wish in ({}, {"Prefer": "respond-async"}):
                answer = await ask(rest, "POST", f"{MUSIC}/generate", SONG, **wish)
                assert (answer.status, answer.json["reason"]) == (503, "NOT_KEPT")
            trouble = server.store.trouble
            (tmp_path / "ballast").unlink()
            answer = await ask(rest, "POST", f"{MUSIC}/generate", SONG)
            assert answer.status == 200
            assert (trouble is None, server.store.trouble) == (False, None)
            assert (await ask(rest, "GET", f"/audio/{answer.json['task_id']}.mp3")).data == b"sound"
