"""Tests of two versions of the server on one store, of which the newer one writes fields that the older one does not
know.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.song import SongState
from server.store.claim import ClaimAction, Skill
from server.store.eviction import StoreLimits
from server.store.shared import directory, store
from server.store.shared.object_store import objects
from server.store.shared.records import engines_bytes, record_bytes
from server.store.whole_service import ServedEngine
from tests.support.fake_runner import FAKE_INFO
from tests.support.store_kinds import LEASE_SECONDS, shared
from tests.support.stored_songs import Writing, making, record

pytestmark = pytest.mark.shared


def newer_record(song: Any) -> bytes:
    return json.dumps({**json.loads(record_bytes(song)), "mood": "calm", "schema": 2}).encode()


def newer_engines(engines: Any) -> bytes:
    told = json.loads(engines_bytes(engines))
    for engine in told:
        engine["info"]["controls"].append("telepathy")
        engine["info"]["lineage"] = "unknown"
        engine["watts"] = 3
    return json.dumps(told).encode()


async def test_each_version_goes_on_with_the_songs_of_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shared(tmp_path, StoreLimits(), 0) as service:
        newer, older = service.here, service.there
        with monkeypatch.context() as patched:
            for module in (directory, store, objects):
                patched.setattr(module, "record_bytes", newer_record)
            writing = await making(newer, record(), sound="one")
            await writing.sound(b"first")
        known = await older.store.get("song-1")
        assert known is not None
        assert (known.state, known.size_bytes, known.prompt) == (SongState.RUNNING, 5, "x")
        assert [song.song_id for song in await older.store.page("me", None, 10)] == ["song-1"]
        await service.pass_time(2 * LEASE_SECONDS)
        claim = await older.directory.claim_lost({"fake": Skill(sound="one")}, 100.0)
        assert claim is not None
        assert claim.action is ClaimAction.MAKE
        going_on = Writing.of(older, claim)
        await going_on.sound(b"second")
        with monkeypatch.context() as patched:
            for module in (directory, store, objects):
                patched.setattr(module, "record_bytes", newer_record)
            await newer.directory.cancel("song-1")
            await service.pass_time(2 * LEASE_SECONDS)
            back = await newer.directory.claim_lost({"fake": Skill(sound="one")}, 100.0)
            assert back is not None
            ended = await Writing.of(newer, back).end(SongState.CANCELLED)
        assert await older.store.get("song-1") == replace(ended, size_bytes=11)
        assert await older.store.read("song-1", 0, 100) == b"firstsecond"


async def test_an_older_version_leaves_out_what_it_does_not_know_of_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shared(tmp_path, StoreLimits(), 0) as service:
        with monkeypatch.context() as patched:
            patched.setattr(directory, "engines_bytes", newer_engines)
            await service.here.directory.announce([ServedEngine(FAKE_INFO, ("cpu",), 2)], 60.0)
        await service.there.directory.announce([ServedEngine(FAKE_INFO, ("cpu",), 3)], 60.0)
        engine = (await service.there.directory.engines())["fake"]
        assert (engine.info, engine.slots) == (FAKE_INFO, 5)
