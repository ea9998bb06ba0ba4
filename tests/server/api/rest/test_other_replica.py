"""Tests of REST on a replica for songs that another replica makes or has made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.songs.recordings.recording import Recording
from server.store.base import StoreFailed
from tests.support.replica_pair import LONG, REQUEST_ID, Pair, pair, request, until
from tests.support.rest import MUSIC, Rest
from tests.support.rest_edge import ask, rest_of

SOUND = b"sound" * 12


@dataclass
class Service:
    """A REST client of a replica that makes no songs, and one song that the other replica is making."""

    rest: Rest
    made: Recording
    replicas: Pair

    def end(self) -> None:
        self.replicas.maker.stop()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with AsyncExitStack() as stack:
        replicas = await stack.enter_async_context(pair(LONG, folder=tmp_path, hangs=True))
        rest = await stack.enter_async_context(rest_of(replicas.here))
        stack.callback(replicas.maker.stop)
        made = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: len(made.entries) == len(LONG) + 1)
        yield Service(rest, made, replicas)


async def test_a_running_song_is_told_and_listed_with_its_size(service: Service) -> None:
    answer = await ask(service.rest, "GET", f"{MUSIC}/song-1")
    assert (answer.json["status"], answer.json["size_bytes"], answer.json["duration_sec"]) == ("running", 60, 12.0)
    listed = (await ask(service.rest, "GET", MUSIC)).json["songs"]
    assert [(song["task_id"], song["status"]) for song in listed] == [("song-1", "running")]


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=7-22", 7, 23), ("bytes=0-59", 0, 60), ("bytes=59-59", 59, 60)]
)
async def test_a_range_of_a_running_song_is_there_at_once(service: Service, asked: str, start: int, end: int) -> None:
    for method, data in (("GET", SOUND[start:end]), ("HEAD", b"")):
        answer = await ask(service.rest, method, "/audio/song-1.mp3", Range=asked)
        assert (answer.status, answer.data) == (206, data)
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/*"
        assert answer.headers["content-length"] == str(end - start)
    assert not service.made.ended


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=7-"},
        {"Range": "bytes=-7"},
        {"Range": "bytes=9-5"},
        {"Range": "bytes=0-1"},
        {"Range": "bytes=7-22", "If_Range": '"any"'},
    ],
    ids=str,
)
async def test_a_running_song_is_streamed_to_its_end_where_a_range_cannot_be_told(
    service: Service, headers: dict[str, str]
) -> None:
    hearing = asyncio.create_task(ask(service.rest, "GET", "/audio/song-1.mp3", **headers))
    await until(lambda: service.replicas.here.listeners == 1)
    service.end()
    answer = await hearing
    assert (answer.status, answer.data) == (200, SOUND)
    assert answer.headers["accept-ranges"] == "none"


async def test_a_range_of_a_song_that_another_replica_makes_is_waited_for(service: Service) -> None:
    waiting = asyncio.create_task(ask(service.rest, "GET", "/audio/song-1.mp3", Range="bytes=7-60"))
    await until(lambda: service.replicas.here.listeners == 1)
    service.end()
    answer = await waiting
    assert (answer.status, answer.data) == (206, SOUND[7:])
    assert answer.headers["content-range"] == "bytes 7-59/60"


async def test_a_running_song_is_heard_from_any_byte_and_ranges_of_the_ended_one_have_its_size(
    service: Service,
) -> None:
    hearing = asyncio.create_task(ask(service.rest, "GET", "/audio/song-1.mp3?byte_offset=13"))
    await until(lambda: service.replicas.here.listeners == 1)
    service.end()
    assert (await hearing).data == SOUND[13:]
    await service.made.wait_ended()
    for asked, data in (("bytes=13-", SOUND[13:]), ("bytes=-7", SOUND[-7:]), ("bytes=1-5", SOUND[1:6])):
        answer = await ask(service.rest, "GET", "/audio/song-1.mp3", Range=asked)
        assert (answer.status, answer.data) == (206, data)
        assert answer.headers["content-range"].endswith("/60")


async def test_events_of_a_running_song_have_the_ids_of_its_maker_and_go_on_after_the_last_one(
    service: Service,
) -> None:
    async with rest_of(service.replicas.there) as there:
        tellings = [
            asyncio.create_task(asyncio.to_thread(lambda one, more: list(one.events("song-1", **more)), rest, more))
            for rest, more in ((there, {}), (service.rest, {}), (service.rest, {"Last_Event_ID": "1"}))
        ]
        await until(lambda: service.replicas.here.listeners == 2 and service.replicas.there.listeners == 1)
        service.end()
        made, heard, rest_of_them = [await telling for telling in tellings]
    kept = [event for event in made if event[0]]
    assert [name for _, name, _ in kept] == ["accepted", "plan", "finished"]
    assert [event for event in heard if event[0]] == kept
    assert [event for event in rest_of_them if event[0]] == kept[2:]
    again = await ask(service.rest, "GET", f"{MUSIC}/song-1/events", Last_Event_ID=kept[-1][0])
    assert again.status == 204


async def test_a_running_song_is_cancelled_and_those_who_hear_it_are_told(service: Service) -> None:
    telling = asyncio.create_task(asyncio.to_thread(lambda: list(service.rest.events("song-1"))))
    await until(lambda: service.replicas.here.listeners == 1)
    assert (await ask(service.rest, "DELETE", f"{MUSIC}/song-1")).json["status"] == "cancelled"
    assert (await telling)[-1][1] == "cancelled"
    assert service.replicas.maker.jobs[0].closed.is_set()


async def test_the_same_request_gives_the_song_of_the_other_replica(service: Service) -> None:
    body = {"prompt": "pop", "seed": 5, "request_id": REQUEST_ID}
    task_id = await asyncio.to_thread(service.rest.begin, body)
    assert task_id == "song-1"


async def test_a_store_that_does_not_answer_is_told_as_such(service: Service) -> None:
    async def away(song_id: str) -> None:
        raise StoreFailed(f"no answer about {song_id}")

    service.replicas.store.get = away  # type: ignore[attr-defined]
    answer = await ask(service.rest, "GET", f"{MUSIC}/song-1")
    assert (answer.status, answer.json["reason"]) == (503, "STORE_UNAVAILABLE")
    assert "no answer" not in answer.json["detail"]
