"""Tests of the sound of a song that is being made, with known and unknown size: as a whole and in byte ranges."""

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from model.song import Violation
from server.api.rest import audio
from server.errors import InvalidRequest
from server.song import Chunk, Planned, SongCompleted, SongEvent
from tests.support.fake_runner import FAKE_PLAN
from tests.support.rest import Answer, Rest
from tests.support.rest_edge import ToldRunner, ask, rest_edge

SOUND = bytes(range(60))
PATH = "/audio/song-1.mp3"
INEXACT = Planned(FAKE_PLAN, 1105, 529_200, sample_count_exact=False)
EXACT = Planned(FAKE_PLAN, 1105, 529_200, sample_count_exact=True, stream_size_bytes=60)
END = SongCompleted(12.0, 529_200, 60, "ab" * 32, 0.0, 0.1, 0.2, 0.3)


def chunks(start: int, end: int) -> list[SongEvent]:
    """Return the events of chunks of ten bytes each that contain the song's sound from byte `start` to before byte
    `end`.
    """
    return [Chunk(at // 10, SOUND[at : at + 10], 0, at / 5, 2.0, at, 0) for at in range(start, end, 10)]


@asynccontextmanager
async def running(plan: Planned) -> AsyncIterator[tuple[Rest, ToldRunner]]:
    """Context manager with a REST client, and the runner of a song whose events were sent up to half of its sound;
    `plan` says if the size of the whole sound is known.
    """
    runner = ToldRunner()
    async with rest_edge(runner) as rest:
        await asyncio.to_thread(rest.begin, {"prompt": "pop"})
        await runner.begun.wait()
        runner.append(plan, *chunks(0, 30))
        yield rest, runner


def told(answer: Answer) -> tuple[int, str, bytes]:
    return answer.status, answer.headers.get("content-range", ""), answer.data


@pytest.mark.parametrize("plan", [INEXACT, EXACT], ids=["size unknown", "size known"])
async def test_a_range_is_there_once_its_bytes_are(plan: Planned) -> None:
    async with running(plan) as (rest, runner):
        assert told(await ask(rest, "GET", PATH, Range="bytes=7-22")) == (206, "bytes 7-22/*", SOUND[7:23])
        waiting = [asyncio.create_task(ask(rest, "GET", PATH, Range=one)) for one in ("bytes=25-44", "bytes=40-49")]
        _, pending = await asyncio.wait(waiting, timeout=0.1)
        assert len(pending) == 2
        runner.append(*chunks(30, 50))
        near, far = [told(await one) for one in waiting]
        assert near == (206, "bytes 25-44/*", SOUND[25:45])
        assert far == (206, "bytes 40-49/*", SOUND[40:50])


async def test_a_range_that_the_end_brings_has_the_size_of_the_song() -> None:
    async with running(INEXACT) as (rest, runner):
        waiting = [asyncio.create_task(ask(rest, "GET", PATH, Range=one)) for one in ("bytes=50-99", "bytes=60-70")]
        await asyncio.wait(waiting, timeout=0.1)
        runner.append(*chunks(30, 60), END)
        runner.stop()
        within, beyond = [await one for one in waiting]
    assert told(within) == (206, "bytes 50-59/60", SOUND[50:])
    assert (beyond.status, beyond.headers["content-range"]) == (416, "bytes */60")


async def test_a_range_of_a_song_that_fails_meanwhile_tells_the_failure() -> None:
    async with running(INEXACT) as (rest, runner):
        waiting = asyncio.create_task(ask(rest, "GET", PATH, Range="bytes=50-99"))
        await asyncio.wait([waiting], timeout=0.1)
        runner.fail(InvalidRequest(Violation("lyrics", "cannot be sung")))
        answer = await waiting
    assert (answer.status, answer.json["reason"]) == (409, "INVALID_REQUEST")
    assert answer.json["violations"] == [{"field": "lyrics", "description": "cannot be sung"}]


async def test_a_range_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "RANGE_SECONDS", 0.1)
    async with running(INEXACT) as (rest, _):
        assert told(await ask(rest, "GET", PATH, Range="bytes=20-99")) == (206, "bytes 20-29/*", SOUND[20:30])
        late = await ask(rest, "GET", PATH, Range="bytes=30-99")
    assert (late.status, int(late.headers["retry-after"])) == (503, audio.AGAIN_SECONDS)
    assert "only 30 bytes" in late.json["detail"]


async def test_who_waits_for_a_range_and_leaves_is_forgotten_and_the_song_goes_on() -> None:
    async with running(INEXACT) as (rest, runner):
        connection = http.client.HTTPConnection(rest.address)
        await asyncio.to_thread(connection.request, "GET", PATH, None, {"Range": "bytes=50-99"})
        await asyncio.sleep(0.1)
        connection.close()
        runner.append(*chunks(30, 60), END)
        runner.stop()
        assert told(await ask(rest, "GET", PATH))[::2] == (200, SOUND)


@pytest.mark.parametrize(
    ("headers", "status", "content_range", "data"),
    [
        ({}, 200, "", SOUND),
        ({"Range": "bytes=7-"}, 206, "bytes 7-59/60", SOUND[7:]),
        ({"Range": "bytes=-7"}, 206, "bytes 53-59/60", SOUND[-7:]),
        ({"Range": "bytes=0-1"}, 206, "bytes 0-1/60", SOUND[:2]),
        ({"Range": "bytes=7-", "If_Range": '"any"'}, 200, "", SOUND),
    ],
    ids=str,
)
async def test_a_running_song_of_known_size_tells_it(
    headers: dict[str, str], status: int, content_range: str, data: bytes
) -> None:
    async with running(EXACT) as (rest, runner):
        head = await ask(rest, "HEAD", PATH, **headers)
        hearing = asyncio.create_task(ask(rest, "GET", PATH, **headers))
        await asyncio.sleep(0.05)
        runner.append(*chunks(30, 60), END)
        runner.stop()
        answer = await hearing
    assert told(answer) == (status, content_range, data)
    assert (head.status, head.headers["content-length"]) == (status, str(len(data)))
    assert answer.headers["content-length"] == str(len(data))


async def test_a_running_song_of_known_size_ends_there() -> None:
    async with running(EXACT) as (rest, _):
        for asked in ("bytes=60-", "bytes=60-70"):
            answer = await ask(rest, "GET", PATH, Range=asked)
            assert (answer.status, answer.headers["content-range"]) == (416, "bytes */60")
        assert (await ask(rest, "GET", f"{PATH}?byte_offset=61")).status == 416


async def test_a_running_song_of_unknown_size_has_no_length() -> None:
    async with running(INEXACT) as (rest, runner):
        answers = [
            asyncio.create_task(ask(rest, "GET", path, **headers))
            for path, headers in ((PATH, {}), (PATH, {"Range": "bytes=7-"}), (f"{PATH}?byte_offset=7", {}))
        ]
        await asyncio.sleep(0.05)
        runner.append(*chunks(30, 60), END)
        runner.stop()
        found = [await one for one in answers]
    assert [(one.status, one.data) for one in found] == [(200, SOUND), (200, SOUND), (200, SOUND[7:])]
    assert ["content-length" in one.headers for one in found] == [False] * 3


async def test_a_song_that_is_planned_anew_with_another_size_breaks_off_what_was_promised() -> None:
    def heard(rest: Rest) -> None:
        connection, response = rest.open("GET", PATH)
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        connection.close()

    async with running(EXACT) as (rest, runner):
        hearing = asyncio.create_task(asyncio.to_thread(heard, rest))
        await asyncio.sleep(0.05)
        runner.append(Planned(FAKE_PLAN, 1105, 600_000, sample_count_exact=True, stream_size_bytes=70))
        await hearing
