"""Tests of songs that are requested and received in one HTTP call."""

import asyncio
import http.client
from dataclasses import replace

import pytest

from model.song import Violation
from server.errors import InvalidRequest, ServiceError, WorkerLost
from server.song import Chunk, Planned, SongEvent
from tests.support.fake_runner import FAKE_EVENTS, FAKE_PLAN, FakeRunner
from tests.support.replica_pair import until
from tests.support.rest import MUSIC, Rest
from tests.support.rest_edge import ask, rest_edge

PLANNED = Planned(replace(FAKE_PLAN, key="C major", tempo_bpm=92.5), 1105, 529_200, sample_count_exact=True)
BEGUN: tuple[SongEvent, ...] = (PLANNED, Chunk(0, b"sound", 0, 0.0, 1.0, 0, 0))
SONG = {"prompt": "pop", "seed": 5}
MP3 = "audio/mpeg"
GENERATE = f"{MUSIC}/generate"


async def test_the_sound_is_the_answer_and_its_headers_tell_of_the_song() -> None:
    async with rest_edge(FakeRunner((PLANNED, *FAKE_EVENTS[1:]))) as rest:
        answer = await ask(rest, "POST", GENERATE, SONG, Accept=MP3, Idempotency_Key="mine")
        assert (answer.status, answer.data) == (200, b"sound")
        song = (await ask(rest, "GET", answer.headers["location"])).json
    assert (answer.headers["content-type"], answer.headers["transfer-encoding"]) == (MP3, "chunked")
    assert {name.removeprefix("melisma-"): text for name, text in answer.headers.items() if "melisma" in name} == {
        "task-id": "song-1",
        "request-id": song["request_id"],
        "engine": "fake",
        "seed": "5",
        "duration-seconds": "12",
        "sample-count": "529200",
        "key": "C major",
        "tempo-bpm": "92.5",
    }
    assert (song["task_id"], song["status"]) == ("song-1", "completed")


@pytest.mark.parametrize(
    ("error", "status", "reason", "violations"),
    [
        (InvalidRequest(Violation("duration_seconds", "is too long")), 400, "INVALID_REQUEST", ["duration"]),
        (WorkerLost("its worker died"), 503, "WORKER_LOST", []),
    ],
)
async def test_a_failure_before_the_first_byte_is_a_problem(
    error: ServiceError, status: int, reason: str, violations: list[str]
) -> None:
    async with rest_edge(FakeRunner((PLANNED,), error=error)) as rest:
        answer = await ask(rest, "POST", GENERATE, SONG, Accept=MP3)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["reason"] == reason
    assert [one["field"] for one in answer.json.get("violations", [])] == violations


async def test_a_failure_after_the_first_byte_breaks_the_answer_off() -> None:
    def heard(rest: Rest) -> bytes:
        connection, response = rest.open("POST", GENERATE, SONG, Accept=MP3)
        try:
            with pytest.raises(http.client.IncompleteRead) as broken:
                response.read()
            return broken.value.partial
        finally:
            connection.close()

    async with rest_edge(FakeRunner(BEGUN, error=WorkerLost("its worker died"))) as rest:
        assert await asyncio.to_thread(heard, rest) == b"sound"


@pytest.mark.parametrize("begun", [True, False], ids=["with sound", "before there is sound"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "mine"}], ids=["at once", "after a while"])
async def test_a_song_whose_caller_leaves_ends_as_when_a_listener_leaves(begun: bool, headers: dict[str, str]) -> None:
    runner = FakeRunner(BEGUN if begun else (PLANNED,), hangs=True)
    async with rest_edge(runner, linger_seconds=0.3 if headers else 60.0) as rest:
        connection = http.client.HTTPConnection(rest.address)
        given = {"Content-Type": "application/json", "Accept": MP3}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        await asyncio.to_thread(connection.request, "POST", GENERATE, b'{"prompt": "pop"}', given)
        await until(lambda: bool(runner.jobs))
        if begun:
            assert (await asyncio.to_thread(connection.getresponse)).read(5) == b"sound"
        else:
            await asyncio.sleep(0.05)
        assert not runner.jobs[0].closed.is_set()
        left = asyncio.get_running_loop().time()
        connection.close()
        async with asyncio.timeout(10):
            await runner.jobs[0].closed.wait()
        stayed = asyncio.get_running_loop().time() - left
    assert stayed >= 0.3 if headers else stayed < 60.0


async def test_a_song_that_is_there_already_is_heard_from_its_beginning() -> None:
    async with rest_edge(FakeRunner()) as rest:
        first = await ask(rest, "POST", GENERATE, SONG, Idempotency_Key="mine")
        again = await ask(rest, "POST", GENERATE, SONG, Idempotency_Key="mine", Accept=MP3)
    assert again.headers["melisma-task-id"] == first.json["task_id"]
    assert again.data == b"sound"
