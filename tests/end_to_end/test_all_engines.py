"""Tests all engines in one server, with tiny checkpoints: a song has the same sound whether or not the server makes
other songs at the same time.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import psutil
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from server.app import serving
from server.settings.engines import settings_with
from server.settings.store import Store
from tests.end_to_end.test_studio import Song
from tests.support.ace_step import ace_step_options
from tests.support.ace_step_15_checkpoint import write_full_rate
from tests.support.musicgen_checkpoint import FULL_RATE, musicgen_options

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.engines]

ENGINES = ("studio", "ace_step", "ace_step_15", "musicgen")
CLIENTS, SONGS_OF_A_CLIENT = 16, 3
START_TIMEOUT_SECONDS, SONG_TIMEOUT_SECONDS = 600.0, 900.0
LYRICS = "[verse]\n春天醒来花就开\n[chorus]\n我要飞向那片海"
_COME_BACK = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
"""Statuses after which a client may repeat a request if it has received no event."""
APART = {"shared_steps": "off"}
"""Setting of ACE-Step with which the bytes of a song do not depend on other songs."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def channel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[grpc.aio.Channel]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ENGINES}
    group: dict[str, Any] = {
        "ace_step": ace_step_options(folders["ace_step"]) | {"mode": "sectioned"} | APART,
        "ace_step_15": {"checkpoint": str(write_full_rate(folders["ace_step_15"] / "checkpoint"))} | APART,
        "musicgen": musicgen_options(folders["musicgen"], FULL_RATE),
    }
    settings = settings_with()(
        port=0,
        http_port=0,
        engines=ENGINES,
        grace_seconds=0.0,
        store=Store(folder=str(tmp_path_factory.mktemp("songs")), linger_seconds=0.0),
        **group,
    )
    async with serving(settings) as address, grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(_ready(channel), START_TIMEOUT_SECONDS)
        yield channel


async def _ready(channel: grpc.aio.Channel) -> None:
    watch: Any = health_pb2_grpc.HealthStub(channel)
    async for answer in watch.Watch(health_pb2.HealthCheckRequest()):
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return


def requests() -> dict[str, music_pb2.GenerateRequest]:
    """Return the requests of three songs for each engine, by name."""
    made = {}
    for number in range(3):
        for engine in ENGINES:
            fields: dict[str, Any] = {"engine": engine, "prompt": "pop, piano", "seed": number}
            fields["duration_seconds"] = 10.0 + 4 * number
            if engine != "musicgen":
                fields |= {"lyrics": LYRICS, "steps": 10 if engine == "studio" else 2 + number}
            made[f"{engine} {number}"] = music_pb2.GenerateRequest(**fields)
    made["musicgen 1"].musicgen.CopyFrom(music_pb2.MusicGenOptions(top_k=5, temperature=1.3))
    made["musicgen 2"].guidance_scale = 1.0
    return made


@dataclass
class Finished:
    """The songs that clients received to their ends, each with the name of its request, and the number of songs that
    clients cancelled.
    """

    songs: list[tuple[str, Song]] = field(default_factory=list)
    cancelled: int = 0


async def test_every_song_is_that_of_an_idle_server(channel: grpc.aio.Channel) -> None:
    asked = requests()
    alone = {name: await _song(channel, request) for name, request in asked.items()}
    assert len({song.data for song in alone.values()}) == len(asked)
    got = Finished()
    killer = asyncio.create_task(_kill_worker(got))
    await asyncio.gather(*(_client(channel, asked, number, got) for number in range(CLIENTS)))
    await killer
    assert got.cancelled >= CLIENTS // 2
    assert len(got.songs) + got.cancelled == CLIENTS * SONGS_OF_A_CLIENT
    assert {name.partition(" ")[0] for name, _ in got.songs} == set(ENGINES)
    for name, song in got.songs:
        assert song.order[-1] == "finished", name
        assert song.data == alone[name].data, name
        assert song.plan.sections == alone[name].plan.sections, name


async def _client(
    channel: grpc.aio.Channel, asked: Mapping[str, music_pb2.GenerateRequest], number: int, got: Finished
) -> None:
    """Request songs of `asked` one after the other, and add them to `got`; cancel some of them after one of their first
    events. `number`, the client's number, determines its random choices.
    """
    chance = random.Random(number)
    for turn in range(SONGS_OF_A_CLIENT):
        name = list(asked)[(5 * number + 7 * turn) % len(asked)]
        if chance.random() < 0.3 or (number % 2 == 0 and turn == 0):
            await _leave_early(channel, asked[name], chance.choice(("accepted", "plan", "progress", "chunk")))
            got.cancelled += 1
            continue
        got.songs.append((name, await _song(channel, asked[name])))


async def _song(channel: grpc.aio.Channel, request: music_pb2.GenerateRequest) -> Song:
    """Return a song that was received to its end; the request is repeated while the server is not ready for it."""
    while True:
        song = Song()
        try:
            async for response in _call(channel, request):
                song.order.append(str(response.event.WhichOneof("event")))
                if song.order[-1] == "plan":
                    song.plan = response.event.plan
                if song.order[-1] == "chunk":
                    song.chunks.append(response.event.chunk)
            return song
        except grpc.aio.AioRpcError as error:
            if song.order or error.code() not in _COME_BACK:
                raise
            await asyncio.sleep(1.0)


def _call(channel: grpc.aio.Channel, request: music_pb2.GenerateRequest) -> Any:
    return music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=SONG_TIMEOUT_SECONDS)


async def _leave_early(channel: grpc.aio.Channel, request: music_pb2.GenerateRequest, when: str) -> None:
    call = _call(channel, request)
    async for response in call:
        if response.event.WhichOneof("event") == when:
            break
    call.cancel()


async def _kill_worker(got: Finished) -> None:
    """Kill the worker process once some songs are complete and others are being made."""
    while len(got.songs) < CLIENTS // 2:
        await asyncio.sleep(0.05)
    workers = [child for child in psutil.Process().children() if "server.workers.worker" in child.cmdline()]
    assert workers
    for worker in workers:
        worker.kill()
