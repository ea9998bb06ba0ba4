"""Tests that songs that were cancelled before their length and sections were planned leave nothing in the store."""

import asyncio
from pathlib import Path

import pytest

from server.song import SongState
from server.store.base import StoredEvent
from server.store.shared import deletion
from server.store.shared.service import SharedParts
from tests.support.store_kinds import Replica
from tests.support.stored_songs import making, record


async def test_a_song_that_was_cancelled_before_its_plan_leaves_nothing_and_others_stay(
    parts: SharedParts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = asyncio.Event()
    delete = parts.store._deletion._delete_later

    async def once_seen(song_id: str) -> None:
        await seen.wait()
        await delete(song_id)

    monkeypatch.setattr(deletion, "FORGET_SECONDS", 0.05)
    monkeypatch.setattr(parts.store._deletion, "_delete_later", once_seen)
    here = Replica(parts.store, parts.directory)
    for number, seconds, state in (
        (1, 0.0, SongState.CANCELLED),
        (2, 12.0, SongState.CANCELLED),
        (3, 0.0, SongState.FAILED),
    ):
        writing = await making(here, record(number))
        await writing.append([StoredEvent(b"accepted")], duration_seconds=seconds)
        await writing.end(state)
    assert len(await parts.store.page("me", None, 9)) == 3  # for a moment
    seen.set()
    async with asyncio.timeout(30):
        while len(await parts.store.page("me", None, 9)) == 3:
            await asyncio.sleep(0.01)
    assert [song.song_id for song in await parts.store.page("me", None, 9)] == ["song-3", "song-2"]
    assert sorted(path.name for path in (tmp_path / "objects" / "songs").iterdir() if any(path.rglob("*.json"))) == [
        "song-2",
        "song-3",
    ]
