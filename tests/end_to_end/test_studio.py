"""Tests of the studio engine in a server on a real port: the events that a caller receives."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import av
import grpc.aio
import mido
import numpy as np
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from server.app import serving
from server.settings.settings import Settings
from server.settings.store import Store
from tests.support.edge import details_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

LYRICS = "[verse]\n春天醒来花就开\n[chorus]\n我要飞向那片海"
START_TIMEOUT_SECONDS = 120.0
SAMPLES_PER_FRAME = 1152


@dataclass
class Song:
    """All events of one call of Generate, by kind; `order` has the kinds as they arrived."""

    accepted: music_pb2.SongAccepted = field(default_factory=music_pb2.SongAccepted)
    plan: music_pb2.SongPlan = field(default_factory=music_pb2.SongPlan)
    finished: music_pb2.SongFinished = field(default_factory=music_pb2.SongFinished)
    chunks: list[music_pb2.AudioChunk] = field(default_factory=list)
    sections: list[music_pb2.SectionFinished] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks)


def request(seed: int = 7, seconds: float = 12.0, **fields: object) -> music_pb2.GenerateRequest:
    asked = {"prompt": "pop, piano", "lyrics": LYRICS, "duration_seconds": seconds, "seed": seed, "steps": 10} | fields
    return music_pb2.GenerateRequest(**asked)  # type: ignore[arg-type]


async def generate(channel: grpc.aio.Channel, asked: music_pb2.GenerateRequest) -> Song:
    song = Song()
    async for response in music_pb2_grpc.MusicServiceStub(channel).Generate(asked, timeout=START_TIMEOUT_SECONDS):
        kind = response.event.WhichOneof("event")
        song.order.append(str(kind))
        match kind:
            case "accepted":
                song.accepted = response.event.accepted
            case "plan":
                song.plan = response.event.plan
            case "chunk":
                song.chunks.append(response.event.chunk)
            case "section_finished":
                song.sections.append(response.event.section_finished)
            case "finished":
                song.finished = response.event.finished
    return song


def decoded(data: bytes) -> np.ndarray:
    with av.open(io.BytesIO(data), mode="r", format="mp3") as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(container.streams.audio[0])], axis=1)


def decoded_samples(data: bytes) -> int:
    return int(decoded(data).shape[1])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def channel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[grpc.aio.Channel]:
    store = Store(folder=str(tmp_path_factory.mktemp("songs")))
    settings = Settings(port=0, http_port=0, grace_seconds=0.0, store=store)
    async with serving(settings) as address, grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(_ready(channel), START_TIMEOUT_SECONDS)
        yield channel


async def _ready(channel: grpc.aio.Channel) -> None:
    watch: Any = health_pb2_grpc.HealthStub(channel)
    async for answer in watch.Watch(health_pb2.HealthCheckRequest()):
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def song(channel: grpc.aio.Channel) -> Song:
    return await generate(channel, request())


async def test_song_tells_its_events_in_order(song: Song) -> None:
    assert song.order[:2] == ["accepted", "plan"]
    assert song.order[-1] == "finished"
    assert song.order.count("section_finished") == len(song.plan.sections)


async def test_chunks_make_one_mp3_of_the_planned_length(song: Song) -> None:
    wanted = round(song.plan.duration_seconds * song.plan.sample_rate_hertz)
    assert song.finished.sample_count == pytest.approx(wanted, abs=1)
    assert decoded_samples(song.data) == song.plan.sample_count == song.finished.sample_count
    assert song.plan.duration_seconds == pytest.approx(12.0, abs=60.0 / song.plan.tempo_bpm * 4)


@pytest.mark.parametrize("rate_hertz", [44_100, 48_000])
@pytest.mark.parametrize("fields", [{"seconds": 10.0}, {"seconds": 16.7}, {"seconds": 12.0, "tempo_bpm": 93.7}])
async def test_the_plan_tells_how_many_samples_the_song_will_have(
    channel: grpc.aio.Channel, fields: dict[str, Any], rate_hertz: int
) -> None:
    made = await generate(channel, request(audio=music_pb2.AudioConfig(sample_rate_hertz=rate_hertz), **fields))
    assert made.plan.sample_count_exact
    assert made.plan.sample_count == made.finished.sample_count
    assert made.finished.sample_count == pytest.approx(made.plan.duration_seconds * rate_hertz, abs=1)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"key": "H flat"}, ["key"]),
        ({"language": "fr"}, ["language"]),
        ({"lyrics": "Привет, мир"}, ["lyrics"]),
        ({"lyrics": "春天醒来花就开\n" * 40, "duration_seconds": 10.0}, ["duration_seconds"]),
        ({"anchor": music_pb2.Anchor(midi=b"MThd")}, ["anchor.midi"]),
    ],
)
async def test_what_cannot_be_sung_is_refused_before_it_is_accepted(
    channel: grpc.aio.Channel, fields: dict[str, Any], wrong: list[str]
) -> None:
    call = music_pb2_grpc.MusicServiceStub(channel).Generate(music_pb2.GenerateRequest(prompt="pop", **fields))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await anext(aiter(call))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [one.field for one in details_of(refused.value)["BadRequest"].field_violations] == wrong


@pytest.mark.parametrize("task", ["extend", "repaint", "edit", "audio_to_audio"])
async def test_a_task_that_the_engine_has_no_use_for_is_refused_by_name(channel: grpc.aio.Channel, task: str) -> None:
    fields: dict[str, Any] = {task: {"audio": b"RIFF"}}
    if task in ("repaint", "extend"):
        fields[task]["end_seconds" if task == "repaint" else "right_seconds"] = 3.0
    call = music_pb2_grpc.MusicServiceStub(channel).Generate(music_pb2.GenerateRequest(prompt="pop", **fields))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await anext(aiter(call))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert [one.subject for one in details_of(refused.value)["PreconditionFailure"].violations] == [task]


async def test_every_prefix_plays(song: Song) -> None:
    for count in range(1, len(song.chunks) + 1):
        prefix = song.chunks[:count]
        heard = decoded_samples(b"".join(chunk.data for chunk in prefix))
        sent = prefix[-1].sample_offset + round(prefix[-1].duration_seconds * song.plan.sample_rate_hertz)
        assert heard >= sent - 2 * SAMPLES_PER_FRAME - song.plan.delay_samples


async def test_chunks_carry_what_a_resume_needs(song: Song) -> None:
    sizes = [len(chunk.data) for chunk in song.chunks]
    assert [chunk.sequence for chunk in song.chunks] == list(range(len(sizes)))
    assert [chunk.byte_offset for chunk in song.chunks] == [sum(sizes[:i]) for i in range(len(sizes))]
    offsets = [chunk.sample_offset for chunk in song.chunks]
    assert offsets == sorted(offsets)
    assert all(offset % SAMPLES_PER_FRAME == 0 for offset in offsets)
    sections = [chunk.section_index for chunk in song.chunks]
    assert sections == sorted(sections)


async def test_first_chunk_comes_before_the_first_section_ends(song: Song) -> None:
    assert song.order.index("chunk") < song.order.index("section_finished")
    assert song.chunks[0].duration_seconds <= 1.0


async def test_digest_and_size_are_those_of_the_bytes(song: Song) -> None:
    assert song.finished.sha256 == hashlib.sha256(song.data).hexdigest()
    assert song.finished.size_bytes == len(song.data)


async def test_every_syllable_is_timed_inside_its_section(song: Song) -> None:
    for section, finished in zip(song.plan.sections, song.sections, strict=True):
        assert sum(len(line.syllables) for line in section.lines) == len(finished.timings)
        for timing in finished.timings:
            assert section.start_seconds <= timing.start_seconds < timing.end_seconds
        assert finished.midi.startswith(b"MThd")
        assert finished.chords[0].start_seconds == pytest.approx(section.start_seconds)
        assert finished.chords[-1].end_seconds == pytest.approx(section.start_seconds + section.duration_seconds)


async def test_same_request_and_seed_give_identical_bytes_alone_and_beside_seven_others(
    channel: grpc.aio.Channel, song: Song
) -> None:
    others = [generate(channel, request(seed, seconds=10.0 + seed % 3)) for seed in range(100, 107)]
    again, *rest = await asyncio.gather(generate(channel, request()), *others)
    assert again.data == song.data
    assert len({other.data for other in rest}) == 7


async def test_48_khz_and_another_bitrate_are_delivered(channel: grpc.aio.Channel) -> None:
    asked = request(audio=music_pb2.AudioConfig(bitrate_kbps=128, sample_rate_hertz=48_000), seconds=10.0)
    made = await generate(channel, asked)
    with av.open(io.BytesIO(made.data), mode="r", format="mp3") as container:
        assert container.streams.audio[0].rate == 48_000
        assert container.streams.audio[0].bit_rate == 128_000


async def test_anchor_opens_the_melody_exactly(channel: grpc.aio.Channel) -> None:
    notes = [music_pb2.AnchorNote(pitch=pitch, length_beats=1.0) for pitch in (60, 64, 67, 64)]
    anchor = music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=notes))
    made = await generate(channel, request(anchor=anchor, lyrics="", seconds=10.0))
    assert any(melody(section.midi)[:4] == [60, 64, 67, 64] for section in made.sections)


def melody(midi: bytes) -> list[int]:
    track = mido.MidiFile(file=io.BytesIO(midi), charset="utf-8").tracks[1]
    return [message.note for message in track if message.type == "note_on"]


async def test_sound_is_level_and_unclipped(song: Song) -> None:
    sound = decoded(song.data)
    assert np.abs(sound).max() < 1.0
    assert -22.0 < 20 * np.log10(np.sqrt((sound**2).mean())) < -10.0
