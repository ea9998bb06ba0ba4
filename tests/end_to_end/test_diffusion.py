"""Tests of both ACE-Step engines in a server on a real port, with tiny random checkpoints: the sound is noise of the
planned length.

A server starts slowly, so the tests share servers, which run both engines, and one of them studio, too.
"""

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
from tests.support.ace_step_15_checkpoint import write_full_rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENGINES = ("ace_step", "ace_step_15")
LYRICS = "[Verse 1]\n春天醒来花就开\n[chorus]\n我要飞向那片海"
START_TIMEOUT_SECONDS = 240.0
LATENT_FRAME_SECONDS = 4096 / 44_100
"""Length of a latent frame of ACE-Step v1 in seconds; frames of ACE-Step 1.5 are shorter."""

WHOLE, SECTIONED = music_pb2.GENERATION_MODE_WHOLE, music_pb2.GENERATION_MODE_SECTIONED
UNSPECIFIED = music_pb2.GENERATION_MODE_UNSPECIFIED
on_both_engines = pytest.mark.parametrize("engine", ENGINES)


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=[False], ids=["one lane"])
async def channel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[grpc.aio.Channel]:
    """Fixture: a channel to a server with all engines and one command queue for denoising and rendering; with the
    parameter True, a queue for each of the two, and without the engine studio.
    """
    beside = bool(request.param)
    group: dict[str, Any] = {
        "ace_step": ace_step_options(tmp_path_factory.mktemp("ace_step")),
        "ace_step_15": {"checkpoint": str(write_full_rate(tmp_path_factory.mktemp("ace_step_15") / "checkpoint"))},
    }
    settings = settings_with()(
        port=0,
        http_port=0,
        devices=(Device(device="cpu", render_beside=beside),),
        engines=ENGINES if beside else (*ENGINES, "studio"),
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


OPTIONS = {"sampler", "omega", "lora", "lora_weight", "shift"}
KINDS = {"ace_step": music_pb2.AceStepOptions, "ace_step_15": music_pb2.AceStep15Options}


def request(
    engine: str = "ace_step", mode: int = WHOLE, seconds: float = 18.0, **fields: object
) -> music_pb2.GenerateRequest:
    usual: dict[str, Any] = {"engine": engine, "prompt": "pop", "lyrics": LYRICS, "seed": 3, "steps": 2}
    options: Any = KINDS[engine](mode=mode, **{name: fields.pop(name) for name in OPTIONS & fields.keys()})
    return music_pb2.GenerateRequest(**usual | {"duration_seconds": seconds, engine: options} | fields)


def recording(seconds: float = 12.0, form: str = "FLAC") -> bytes:
    times = np.arange(int(seconds * 44_100)) / 44_100
    sound = 0.2 * np.sin(2 * np.pi * 220.0 * times)
    file = io.BytesIO()
    soundfile.write(file, np.stack([sound, sound], axis=1), 44_100, format=form)
    return file.getvalue()


DRUMS = music_pb2.TRACK_KIND_DRUMS
LEGO = music_pb2.LegoTask(audio=recording(2.0), track=DRUMS, start_seconds=1)


@on_both_engines
@pytest.mark.parametrize(("mode", "sections"), [(WHOLE, 1), (SECTIONED, 2)])
async def test_both_modes_stream_one_mp3_of_the_planned_length(
    channel: grpc.aio.Channel, engine: str, mode: int, sections: int
) -> None:
    song = await generate(channel, request(engine, mode))
    assert song.order[:2] == ["accepted", "plan"]
    assert song.order[-1] == "finished"
    assert len(song.plan.sections) == len(song.sections) == sections
    assert song.plan.duration_seconds == pytest.approx(18.0, abs=LATENT_FRAME_SECONDS)
    wanted = round(song.plan.duration_seconds * 44_100)
    assert song.finished.sample_count == pytest.approx(wanted, abs=1)
    assert decoded_samples(song.data) == song.plan.sample_count == song.finished.sample_count
    assert song.finished.sha256 == hashlib.sha256(song.data).hexdigest()
    assert np.sqrt((decoded(song.data) ** 2).mean()) > 0.01
    # A short window comes first.
    assert song.chunks[0].duration_seconds <= 1.0
    assert len(song.chunks) > 4


@pytest.mark.parametrize(
    ("mode", "seconds", "rate_hertz"), [(WHOLE, 10.0, 48_000), (WHOLE, 17.9, 44_100), (SECTIONED, 17.9, 48_000)]
)
async def test_the_plan_tells_how_many_samples_the_song_will_have(
    channel: grpc.aio.Channel, mode: int, seconds: float, rate_hertz: int
) -> None:
    audio = music_pb2.AudioConfig(sample_rate_hertz=rate_hertz)
    song = await generate(channel, request(mode=mode, seconds=seconds, audio=audio))
    assert song.plan.sample_count_exact
    assert song.plan.sample_count == song.finished.sample_count
    assert song.finished.sample_count == pytest.approx(song.plan.duration_seconds * rate_hertz, abs=1)


async def test_songs_of_different_lengths_steps_and_engines_are_made_side_by_side(channel: grpc.aio.Channel) -> None:
    asked = [
        request(engine, seconds=10.0 + index, steps=2 + index, seed=index) for index in range(3) for engine in ENGINES
    ]
    asked.append(request("ace_step_15", UNSPECIFIED, seconds=0.0, lego=LEGO))
    songs = await asyncio.gather(*(generate(channel, each) for each in asked))
    for song, each in zip(songs, asked, strict=True):
        assert song.plan.steps == each.steps
        assert song.plan.duration_seconds == pytest.approx(each.duration_seconds or 2.0, abs=LATENT_FRAME_SECONDS)
        assert song.order[-1] == "finished"


@pytest.mark.parametrize(
    "fields",
    [
        {"audio_to_audio": music_pb2.AudioToAudioTask(audio=recording())},
        {"repaint": music_pb2.RepaintTask(audio=recording(), start_seconds=3, end_seconds=6)},
        {"extend": music_pb2.ExtendTask(audio=recording(seconds=3), left_seconds=4, right_seconds=5)},
        {"edit": music_pb2.EditTask(audio=recording(form="WAV"), prompt="jazz", lyrics="[verse]\nla", start=0.5)},
    ],
)
async def test_tasks_make_songs_of_recordings(channel: grpc.aio.Channel, fields: dict[str, Any]) -> None:
    song = await generate(channel, request(mode=UNSPECIFIED, seconds=0.0, **fields))
    assert song.plan.duration_seconds == pytest.approx(12.0, abs=2 * LATENT_FRAME_SECONDS)
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
    anchor, stems = {"anchor": music_pb2.Anchor(notes=notes)}, {"stems": [music_pb2.STEM_KIND_DRUMS]}
    wishes: list[tuple[str, dict[str, Any], str]] = [
        *((engine, wish, "studio") for engine in ENGINES for wish in (anchor, stems)),
        ("ace_step", {"lego": LEGO, "seconds": 0.0}, "ace_step_15"),
        ("ace_step", {"negative_prompt": "noise"}, "ace_step_15"),
    ]
    for engine, wish, able in wishes:
        error = await refused(channel, request(engine, **wish))
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert f"an engine that does: {able}" in str(error.details())


FAULTS: Mapping[tuple[str, str], dict[str, Any]] = {
    ("ace_step", "repaint.audio"): {"repaint": music_pb2.RepaintTask(audio=b"no sound", end_seconds=3)},
    ("ace_step", "repaint.end_seconds"): {
        "repaint": music_pb2.RepaintTask(audio=recording(), start_seconds=3, end_seconds=60)
    },
    ("ace_step", "extend.right_seconds"): {"extend": music_pb2.ExtendTask(audio=recording(), right_seconds=240)},
    ("ace_step", "ace_step.mode"): {"retake": music_pb2.RetakeTask(), "mode": SECTIONED, "seconds": 10.0},
    ("ace_step", "language"): {"language": "sv"},
    ("ace_step_15", "language"): {"language": "tlh"},
    ("ace_step_15", "lego.start_seconds"): {
        "lego": music_pb2.LegoTask(audio=recording(2.0), track=DRUMS, start_seconds=60)
    },
    ("ace_step_15", "time_signature"): {"time_signature": "5/4"},
    ("ace_step_15", "lyrics"): {"lyrics": "words of a song that does not end\n" * 280},
}


async def test_faults_name_their_field_and_cost_nobody_else(channel: grpc.aio.Channel) -> None:
    beside = asyncio.create_task(generate(channel, request(seconds=10.0, steps=20)))
    usual: dict[str, Any] = {"mode": UNSPECIFIED, "seconds": 0.0}
    errors = {
        field: await refused(channel, request(engine, **usual | fields)) for (engine, field), fields in FAULTS.items()
    }
    assert {error.code() for error in errors.values()} == {grpc.StatusCode.INVALID_ARGUMENT}
    assert [(field, str(error.details())) for field, error in errors.items() if field not in str(error.details())] == []
    assert (await beside).order[-1] == "finished"


@on_both_kinds_of_lanes
async def test_cancelled_songs_and_those_past_their_deadline_cost_nothing_more(channel: grpc.aio.Channel) -> None:
    before, stub = workers(), music_pb2_grpc.MusicServiceStub(channel)
    for engine in ENGINES:
        call = stub.Generate(request(engine, steps=200, seconds=240.0))
        async for response in call:
            if response.event.WhichOneof("event") == "progress" and response.event.progress.step:
                break
        call.cancel()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.Generate(request(engine, steps=200, seconds=240.0), timeout=2.0):
                pass
        assert caught.value.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert (await generate(channel, request(seconds=10.0))).accepted.queue_position == 0
    assert workers() == before


def workers() -> list[psutil.Process]:
    """Return the worker processes of the server that runs in this process."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # one that has just ended
            if "server.workers.worker" in child.cmdline():
                found.append(child)
    return found


@on_both_kinds_of_lanes
async def test_songs_outlive_their_worker(channel: grpc.aio.Channel) -> None:
    """The workers are killed once the first section of one song has been sent, while the other song, which has no
    sections, is still being denoised.
    """
    asked = [request("ace_step", SECTIONED, 16.0, steps=16), request("ace_step_15", seconds=10.0, steps=16)]
    undisturbed = [await generate(channel, each) for each in asked]
    other = asyncio.create_task(generate(channel, asked[1]))
    song = Song()
    async for response in music_pb2_grpc.MusicServiceStub(channel).Generate(asked[0], timeout=START_TIMEOUT_SECONDS):
        song.order.append(str(response.event.WhichOneof("event")))
        if song.order[-1] == "chunk":
            song.chunks.append(response.event.chunk)
        if song.order.count("section_finished") == 1 and song.order[-1] == "section_finished":
            for worker in workers():
                worker.kill()
    songs = [song, await other]
    assert [each.order[-1] for each in songs] == ["finished"] * 2
    assert [each.data for each in songs] == [each.data for each in undisturbed]
