"""Tests of an object store that refuses this server: wrong or expired keys, missing rights, no bucket."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from server.store.shared.addresses import ObjectsAddress
from server.store.shared.object_store.errors import ObjectsAway, ObjectsRefused
from server.store.shared.object_store.objects import Objects, Seal, open_objects
from server.store.shared.service import shared_store
from server.store.shared.unusable import SharedStoreUnusable
from server.telemetry.metrics import Metrics
from server.telemetry.store_metrics import StoreMetrics
from tests.support.refusing_s3 import refusing_s3
from tests.support.servers import free_port
from tests.support.shared_stores import plan_for
from tests.support.store_kinds import Replica
from tests.support.stored_songs import making, record

BUCKET = ObjectsAddress("s3", "songs", "prefix")
SEAL = Seal("song-1", "00000001-nonce")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "any")


@contextmanager
def opened(endpoint: str, registry: CollectorRegistry | None = None) -> Iterator[Objects]:
    registry = registry or CollectorRegistry()
    songs = Metrics(registry, engines=[], devices=[]).songs
    with closing(open_objects(BUCKET, endpoint, StoreMetrics(registry, [], songs))) as objects:
        yield objects


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"),
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
        (401, "Unauthorized"),
        (400, "ExpiredToken"),
        (404, "NoSuchBucket"),
    ],
)
async def test_a_refusal_is_told_with_its_code_and_with_what_to_do(status: int, code: str) -> None:
    registry = CollectorRegistry()
    with refusing_s3(status, code) as endpoint, opened(endpoint, registry) as objects:
        with pytest.raises(ObjectsRefused) as refused:
            await objects.probe()
        with pytest.raises(ObjectsRefused):
            await objects.seal(SEAL, record(), [b"event"], b"sound")
        with pytest.raises(ObjectsRefused):
            await objects.delete("song-1")
    said = str(refused.value)
    assert code in said or status == 404
    assert "MELISMA_STORE__OBJECTS" in said
    assert "AWSAccessKeyId" not in said
    labels = {"part": "objects", "reason": "refused"}
    assert registry.get_sample_value("melisma_store_errors_total", labels) == 3
    assert registry.get_sample_value("melisma_store_errors_total", {**labels, "reason": "away"}) == 0


@pytest.mark.parametrize("status", [429, 409])
async def test_an_answer_that_says_to_try_again_is_no_refusal(status: int) -> None:
    with refusing_s3(status, "SlowDown") as endpoint, opened(endpoint) as objects, pytest.raises(ObjectsAway):
        await objects.delete("song-1")


async def test_a_server_that_is_not_there_is_away() -> None:
    with opened(f"http://127.0.0.1:{free_port()}") as objects, pytest.raises(ObjectsAway):
        await objects.probe()


async def test_objects_that_are_overwritten_although_asked_not_to_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    put = obstore.put

    def careless(store: Any, path: str, content: bytes, *, mode: str) -> Any:
        return put(store, path, content, mode="overwrite")

    monkeypatch.setattr(obstore, "put", careless)
    with closing(Objects(MemoryStore())) as objects, pytest.raises(ObjectsRefused, match="overwrote"):
        await objects.probe()


async def test_a_probe_leaves_nothing_behind() -> None:
    store = MemoryStore()
    with closing(Objects(store)) as objects:
        await objects.probe()
    assert list(obstore.list(store)) == []


@pytest.mark.shared
@pytest.mark.parametrize("known", [False, True])
async def test_a_server_does_not_start_with_objects_that_refuse_it(client: Redis, tmp_path: Path, known: bool) -> None:
    if known:
        async with shared_store(plan_for(objects=f"file://{tmp_path}/objects")):
            pass
    with refusing_s3(403, "InvalidAccessKeyId") as endpoint, pytest.raises(SharedStoreUnusable) as refused:
        async with shared_store(plan_for(objects="s3://songs/prefix", objects_endpoint=endpoint)):
            pass
    assert "403 Forbidden, InvalidAccessKeyId" in str(refused.value)
    assert "MELISMA_STORE__OBJECTS" in str(refused.value)


@pytest.mark.shared
async def test_a_server_starts_with_a_directory_that_is_known_while_the_objects_are_away(
    client: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = plan_for(objects="s3://songs/prefix", objects_endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SharedStoreUnusable, match="cannot be reached"):
        async with shared_store(away):
            pass
    async with shared_store(plan_for(objects=f"file://{tmp_path}/objects")):
        pass
    async with shared_store(away):
        assert "ended songs stay in the song directory until it can" in caplog.text


@pytest.mark.shared
async def test_a_song_whose_objects_refuse_waits_and_is_sealed_once_they_do_not(
    client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    objects = Objects(MemoryStore())
    async with shared_store(plan_for(), objects=objects) as parts:
        writing = await making(Replica(parts.store, parts.directory), record())
        await writing.sound(b"sound")
        with refusing_s3(403, "AccessDenied") as endpoint, opened(endpoint) as refusing, caplog.at_level(logging.ERROR):
            parts.store._objects = refusing
            ending = asyncio.create_task(writing.end())
            while "403 Forbidden, AccessDenied" not in caplog.text:
                await asyncio.sleep(0.01)
            assert not ending.done()
            parts.store._objects = objects
            await ending
        song = await parts.store.get("song-1")
        assert song is not None
        assert song.state.ended
