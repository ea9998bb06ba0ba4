"""ACE-Step behind a real port, on a tiny checkpoint with random weights: what arrives is noise, and arrives in full."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import grpc.aio
import numpy as np
import psutil
import pytest
import pytest_asyncio
import soundfile
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from server.app import serving
from server.settings.engines import settings_with
from server.settings.groups import Device
from server.settings.store import Store
from tests.end_to_end.test_studio import Song, decoded, decoded_samples, generate
from tests.support.ace_step import ace_step_options

pytestmark = pytest.mark.asyncio(loop_scope="module")

LYRICS = "[Verse 1]\n春天醒来花就开\n[chorus]\n我要飞向那片海"
START_TIMEOUT_SECONDS = 240.0
LATENT_FRAME_SECONDS = 4096 / 44_100


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=[False], ids=["one lane"])
async def channel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[grpc.aio.Channel]:
    """A server with both engines on one lane; with the parameter, ACE-Step alone, which renders beside its steps."""
    beside = bool(request.param)
    group: dict[str, Any] = {"ace_step": ace_step_options(tmp_path_factory.mktemp("ace_step"))}
    settings = settings_with()(
        port=0,
        http_port=0,
        devices=(Device(device="cpu", render_beside=beside),),
        engines=("ace_step",) if beside else ("ace_step", "studio"),
        grace_seconds=0.0,
        store=Store(folder=str(tmp_path_factory.mktemp("songs")), linger_seconds=0.0),
        **group,
    )
    async with serving(settings) as address, grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(_ready(channel), START_TIMEOUT_SECONDS)
        yield channel


on_both_kinds_of_lanes = pytest.mark.parametrize("channel", [False, True], indirect=True, ids=["one lane", "two lanes"])


async def _ready(channel: grpc.aio.Channel) -> None:
    watch: Any = health_pb2_grpc.HealthStub(channel)
    async for answer in watch.Watch(health_pb2.HealthCheckRequest()):
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return


OPTIONS = {"sampler", "omega", "lora", "lora_weight"}


def request(
    mode: int = music_pb2.GENERATION_MODE_WHOLE, seconds: float = 18.0, **fields: object
) -> music_pb2.GenerateRequest:
    asked: dict[str, Any] = {
        "engine": "ace_step",
        "prompt": "pop",
        "lyrics": LYRICS,
        "seed": 3,
        "steps": 2,
    }
    options = music_pb2.AceStepOptions(mode=mode, **{name: fields.pop(name) for name in OPTIONS & fields.keys()})  # type: ignore[arg-type]
    return music_pb2.GenerateRequest(**asked | {"duration_seconds": seconds, "ace_step": options} | fields)


def recording(seconds: float = 12.0, form: str = "FLAC") -> bytes:
    times = np.arange(int(seconds * 44_100)) / 44_100
    sound = 0.2 * np.sin(2 * np.pi * 220.0 * times)
    file = io.BytesIO()
    soundfile.write(file, np.stack([sound, sound], axis=1), 44_100, format=form)
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "sections"), [(music_pb2.GENERATION_MODE_WHOLE, 1), (music_pb2.GENERATION_MODE_SECTIONED, 2)]
)
async def test_both_modes_stream_one_mp3_of_the_planned_length(
    channel: grpc.aio.Channel, mode: int, sections: int
) -> None:
    song = await generate(channel, request(mode))
    assert song.order[:2] == ["accepted", "plan"]
    assert song.order[-1] == "finished"
    assert len(song.plan.sections) == len(song.sections) == sections
    assert song.plan.duration_seconds == pytest.approx(18.0, abs=LATENT_FRAME_SECONDS)
    wanted = round(song.plan.duration_seconds * 44_100)
    assert song.finished.sample_count == pytest.approx(wanted, abs=1)
    assert decoded_samples(song.data) == song.plan.sample_count == song.finished.sample_count
    assert song.finished.sha256 == hashlib.sha256(song.data).hexdigest()
    assert np.sqrt((decoded(song.data) ** 2).mean()) > 0.01


@pytest.mark.parametrize("rate_hertz", [44_100, 48_000])
@pytest.mark.parametrize("seconds", [10.0, 17.9])
@pytest.mark.parametrize("mode", [music_pb2.GENERATION_MODE_WHOLE, music_pb2.GENERATION_MODE_SECTIONED])
async def test_the_plan_tells_how_many_samples_the_song_will_have(
    channel: grpc.aio.Channel, mode: int, seconds: float, rate_hertz: int
) -> None:
    audio = music_pb2.AudioConfig(sample_rate_hertz=rate_hertz)
    song = await generate(channel, request(mode, seconds, audio=audio))
    assert song.plan.sample_count_exact
    assert song.plan.sample_count == song.finished.sample_count
    assert song.finished.sample_count == pytest.approx(song.plan.duration_seconds * rate_hertz, abs=1)


async def test_a_short_lived_window_comes_first(channel: grpc.aio.Channel) -> None:
    song = await generate(channel, request())
    assert song.chunks[0].duration_seconds <= 1.0
    assert len(song.chunks) > 4


async def test_songs_of_different_lengths_and_steps_share_the_engine(channel: grpc.aio.Channel) -> None:
    asked = [request(seconds=10.0 + index, steps=2 + index, seed=index) for index in range(4)]
    songs = await asyncio.gather(*(generate(channel, each) for each in asked))
    for song, each in zip(songs, asked, strict=True):
        assert song.plan.steps == each.steps
        assert song.plan.duration_seconds == pytest.approx(each.duration_seconds, abs=LATENT_FRAME_SECONDS)
        assert song.order[-1] == "finished"


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"audio_to_audio": music_pb2.AudioToAudioTask(audio=recording())}, 12.0),
        ({"repaint": music_pb2.RepaintTask(audio=recording(), start_seconds=3, end_seconds=6)}, 12.0),
        ({"extend": music_pb2.ExtendTask(audio=recording(seconds=3), left_seconds=4, right_seconds=5)}, 12.0),
        (
            {"edit": music_pb2.EditTask(audio=recording(form="WAV"), prompt="jazz", lyrics="[verse]\nla", start=0.5)},
            12.0,
        ),
    ],
)
async def test_tasks_make_songs_of_recordings(
    channel: grpc.aio.Channel, fields: dict[str, Any], seconds: float
) -> None:
    song = await generate(channel, request(music_pb2.GENERATION_MODE_UNSPECIFIED, 0.0, **fields))
    assert song.plan.duration_seconds == pytest.approx(seconds, abs=2 * LATENT_FRAME_SECONDS)
    assert song.finished.sample_count == pytest.approx(song.plan.duration_seconds * 44_100, abs=1)
    assert (song.plan.sample_count, song.plan.sample_count_exact) == (song.finished.sample_count, True)


async def test_a_retake_is_near_the_song_but_not_the_same(channel: grpc.aio.Channel) -> None:
    plain = await generate(channel, request(seconds=10.0))
    again = await generate(channel, request(seconds=10.0))
    retake = await generate(channel, request(seconds=10.0, retake=music_pb2.RetakeTask(variance=0.2)))
    assert plain.data == again.data
    assert retake.data != plain.data


@pytest.mark.parametrize("sampler", ["SAMPLER_HEUN", "SAMPLER_PINGPONG"])
async def test_other_samplers_make_songs(channel: grpc.aio.Channel, sampler: str) -> None:
    song = await generate(channel, request(seconds=10.0, sampler=sampler, language="zh-CN", omega=0.0))
    assert song.order[-1] == "finished"


async def refused(channel: grpc.aio.Channel, asked: music_pb2.GenerateRequest) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await generate(channel, asked)
    return caught.value


async def test_what_the_model_cannot_do_is_refused_with_the_engine_that_can(channel: grpc.aio.Channel) -> None:
    notes = music_pb2.AnchorNoteList(notes=[music_pb2.AnchorNote(pitch=60, length_beats=1.0)])
    for field in ({"anchor": music_pb2.Anchor(notes=notes)}, {"stems": [music_pb2.STEM_KIND_DRUMS]}):
        error = await refused(channel, request(**field))
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "an engine that does: studio" in str(error.details())


FAULTS: Mapping[str, dict[str, Any]] = {
    "repaint.audio": {"repaint": music_pb2.RepaintTask(audio=b"no sound", end_seconds=3)},
    "repaint.end_seconds": {"repaint": music_pb2.RepaintTask(audio=recording(), start_seconds=3, end_seconds=60)},
    "extend.right_seconds": {"extend": music_pb2.ExtendTask(audio=recording(), right_seconds=240)},
    "ace_step.mode": {
        "retake": music_pb2.RetakeTask(),
        "mode": music_pb2.GENERATION_MODE_SECTIONED,
        "seconds": 10.0,
    },
    "language": {"language": "sv"},
}


async def test_faults_name_their_field_and_cost_nobody_else(channel: grpc.aio.Channel) -> None:
    beside = asyncio.create_task(generate(channel, request(seconds=10.0, steps=20)))
    usual: dict[str, Any] = {"mode": music_pb2.GENERATION_MODE_UNSPECIFIED, "seconds": 0.0}
    errors = {field: await refused(channel, request(**usual | fields)) for field, fields in FAULTS.items()}
    assert {error.code() for error in errors.values()} == {grpc.StatusCode.INVALID_ARGUMENT}
    assert [(field, str(error.details())) for field, error in errors.items() if field not in str(error.details())] == []
    assert (await beside).order[-1] == "finished"


@on_both_kinds_of_lanes
async def test_cancelled_songs_cost_nothing_more(channel: grpc.aio.Channel) -> None:
    before = workers()
    for seed in range(2):
        call = music_pb2_grpc.MusicServiceStub(channel).Generate(request(steps=200, seconds=240.0, seed=seed))
        async for response in call:
            if response.event.WhichOneof("event") == "progress" and response.event.progress.step:
                break
        call.cancel()
    song = await generate(channel, request(seconds=10.0))
    assert song.accepted.queue_position == 0
    assert workers() == before


def workers() -> list[psutil.Process]:
    """The worker processes of the server in this process."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # one that has just ended
            if "server.workers.worker" in child.cmdline():
                found.append(child)
    return found


async def test_a_deadline_ends_a_song(channel: grpc.aio.Channel) -> None:
    stub = music_pb2_grpc.MusicServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.Generate(request(steps=200, seconds=240.0), timeout=2.0):
            pass
    assert caught.value.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert (await generate(channel, request(seconds=10.0))).order[-1] == "finished"


@on_both_kinds_of_lanes
async def test_a_song_outlives_its_worker(channel: grpc.aio.Channel) -> None:
    asked = request(music_pb2.GENERATION_MODE_SECTIONED, steps=30)
    undisturbed = await generate(channel, asked)
    song = Song()
    async for response in music_pb2_grpc.MusicServiceStub(channel).Generate(asked, timeout=START_TIMEOUT_SECONDS):
        song.order.append(str(response.event.WhichOneof("event")))
        if song.order[-1] == "chunk":
            song.chunks.append(response.event.chunk)
        if song.order.count("section_finished") == 1 and song.order[-1] == "section_finished":
            for worker in workers():
                worker.kill()
    assert song.order[-1] == "finished"
    assert song.data == undisturbed.data
