"""ACE-Step 1.5 behind a real port, on a tiny checkpoint with random weights: what arrives is noise, and in full."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import numpy as np
import psutil
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from server.app import serving
from server.settings.engines import settings_with
from server.settings.store import Store
from tests.end_to_end.test_studio import Song, decoded, generate
from tests.support.ace_step_15_checkpoint import write_full_rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

START_TIMEOUT_SECONDS = 240.0
LATENT_FRAME_SECONDS = 0.04


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def channel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[grpc.aio.Channel]:
    checkpoint = write_full_rate(tmp_path_factory.mktemp("ace_step_15") / "checkpoint")
    group: dict[str, Any] = {"ace_step_15": {"checkpoint": str(checkpoint)}}
    settings = settings_with()(
        port=0,
        http_port=0,
        engines=("ace_step_15",),
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


def request(seconds: float = 10.0, **fields: Any) -> music_pb2.GenerateRequest:
    usual: dict[str, Any] = {"engine": "ace_step_15", "prompt": "pop", "lyrics": "[verse]\n春天醒来花就开"}
    usual |= {"seed": 3, "steps": 2, "duration_seconds": seconds}
    return music_pb2.GenerateRequest(**usual | fields)


async def test_songs_of_different_lengths_and_steps_stream_in_full(channel: grpc.aio.Channel) -> None:
    asked = [request(10.0 + index, steps=2 + index, seed=index) for index in range(3)]
    songs = await asyncio.gather(*(generate(channel, each) for each in asked))
    for song, each in zip(songs, asked, strict=True):
        assert song.order[:2] == ["accepted", "plan"]
        assert song.order[-1] == "finished"
        assert song.plan.duration_seconds == pytest.approx(each.duration_seconds, abs=LATENT_FRAME_SECONDS)
        assert song.finished.sample_count == pytest.approx(song.plan.duration_seconds * 44_100, abs=1)
        assert (song.plan.sample_count, song.plan.sample_count_exact) == (song.finished.sample_count, True)
        assert song.finished.sha256 == hashlib.sha256(song.data).hexdigest()
        assert song.chunks[0].duration_seconds <= 1.0
    assert np.sqrt((decoded(songs[0].data) ** 2).mean()) > 0.01


async def test_a_cancelled_song_and_one_past_its_deadline_cost_nothing_more(channel: grpc.aio.Channel) -> None:
    stub = music_pb2_grpc.MusicServiceStub(channel)
    call = stub.Generate(request(240.0, steps=200))
    async for response in call:
        if response.event.WhichOneof("event") == "progress" and response.event.progress.step:
            break
    call.cancel()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.Generate(request(240.0, steps=200), timeout=2.0):
            pass
    assert caught.value.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert (await generate(channel, request())).accepted.queue_position == 0


async def test_a_song_outlives_its_worker(channel: grpc.aio.Channel) -> None:
    undisturbed, song, killed = await generate(channel, request(steps=30)), Song(), False
    call = music_pb2_grpc.MusicServiceStub(channel).Generate(request(steps=30), timeout=START_TIMEOUT_SECONDS)
    async for response in call:
        song.order.append(str(response.event.WhichOneof("event")))
        if song.order[-1] == "chunk":
            song.chunks.append(response.event.chunk)
        if not killed and song.order[-1] == "progress" and response.event.progress.step > 0:
            killed = True
            for child in psutil.Process().children():
                if "server.workers.worker" in child.cmdline():
                    child.kill()
    assert killed
    assert song.order[-1] == "finished"
    assert song.data == undisturbed.data


async def test_what_the_model_cannot_do_is_refused(channel: grpc.aio.Channel) -> None:
    for fields, code in (
        ({"stems": [music_pb2.STEM_KIND_DRUMS]}, grpc.StatusCode.FAILED_PRECONDITION),
        ({"language": "tlh"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"lyrics": "words of a song that does not end\n" * 280}, grpc.StatusCode.INVALID_ARGUMENT),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await generate(channel, request(**fields))
        assert caught.value.code() is code
