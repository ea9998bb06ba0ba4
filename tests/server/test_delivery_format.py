"""Tests that a further delivery format needs only an entry of the registry and an enum value."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from melisma.v1 import music_pb2
from model.song import SectionScore
from server.api.rest.openapi import document
from server.audio.chunker import Chunker, cut_window
from server.audio.codecs import registry
from server.audio.codecs.registry import all_formats
from server.audio.song_encoder import SongEncoder
from server.contract import audio_formats
from server.contract.events import event_message
from server.contract.requests import song_request
from server.song import AudioSettings, Chunk, SongCompleted, SongEvent, SongRequest
from server.songs.service import Songs
from server.store.base import SongRecord, StoredEvent
from tests.support.checking import PassingChecker
from tests.support.edge import songs_of
from tests.support.fake_runner import FAKE_INFO, FAKE_PLAN, FakeRunner
from tests.support.pcm import PCM
from tests.support.rest import MUSIC
from tests.support.rest_edge import ask, rest_of
from tests.support.sounds import pop
from tests.support.store_kinds import Replica, embedded_replica
from tests.support.stored_songs import making

RATE_HERTZ = 48_000
SOUND = pop(3.0)
ASKED = {"prompt": "pop", "output_format": "pcm"}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fixture: registers the format PCM, and maps it to the enum value of MP3, because the contract has no value for
    it.
    """
    monkeypatch.setattr(registry, "FORMATS", MappingProxyType({**registry.FORMATS, PCM.name: PCM}))
    names = MappingProxyType({music_pb2.AUDIO_FORMAT_MP3: PCM.name})
    monkeypatch.setattr(audio_formats, "FORMAT_NAMES", names)


def pcm_request() -> SongRequest:
    """Return a request for the format PCM, converted from a request message with the enum value of MP3, to which the
    tests map PCM.
    """
    audio = music_pb2.AudioConfig(format=music_pb2.AUDIO_FORMAT_MP3)
    return song_request(music_pb2.GenerateRequest(prompt="pop", audio=audio), {"fake": FAKE_INFO}, "fake")


def made(audio: AudioSettings) -> list[SongEvent]:
    """Return the events of a song with one section, encoded in the delivery format `audio`."""
    encoder = SongEncoder(RATE_HERTZ, audio, tags={"title": "Spring"})
    chunker = Chunker(encoder, FAKE_PLAN, RATE_HERTZ, audio.sample_rate_hertz)
    events = chunker.planned()
    for piece in cut_window(SOUND, RATE_HERTZ, first=True):
        events += chunker.feed(piece)
    return [*events, *chunker.end_section(0, SectionScore()), *chunker.finish()]


def sound_of(events: Sequence[SongEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Chunk))


async def keep(server: Replica, request: SongRequest, events: Sequence[SongEvent]) -> None:
    """Store a song with its events, as the service does."""
    song = SongRecord("song-1", "me", request.request_id, "print", "fake", "pop", 1, 1, format=request.audio.format)
    writing = await making(server, song)
    for event in events:
        message = event_message(event, request)
        sound = message.chunk.data
        if sound:
            message.chunk.ClearField("data")
        end_byte = writing.at.size_bytes + len(sound) if sound else 0
        await writing.append([StoredEvent(message.SerializeToString(), end_byte)], sound)
    await writing.end(ended_ns=2, sha256=hashlib.sha256(sound_of(events)).hexdigest())


def test_encoder_and_chunker_deliver_it() -> None:
    events = made(pcm_request().audio)
    sound, completed = sound_of(events), events[-1]
    assert isinstance(completed, SongCompleted)
    assert (completed.size_bytes, completed.sample_count) == (len(sound), len(sound) // 4)
    assert completed.duration_seconds == pytest.approx(3.0, abs=1e-3)
    assert np.abs(np.frombuffer(sound, ">i2")).max() > 1000
    offsets = [(event.byte_offset, event.sample_offset * 4) for event in events if isinstance(event, Chunk)]
    assert len(offsets) > 1
    assert all(byte == sample for byte, sample in offsets)


async def test_the_store_and_rest_serve_it(tmp_path: Path) -> None:
    request = pcm_request()
    events = made(request.audio)
    sound = sound_of(events)
    async with embedded_replica(tmp_path) as server:
        await keep(server, request, events)
        assert (tmp_path / "song-1.pcm").read_bytes() == sound
        songs = Songs(FakeRunner(), ("fake",), server.store, server.directory, checker=PassingChecker())
        async with rest_of(songs) as rest:
            told = (await ask(rest, "GET", f"{MUSIC}/song-1")).json
            assert told["audio_url"] == f"http://{rest.address}/audio/song-1.pcm"
            whole = await ask(rest, "GET", "/audio/song-1.pcm")
            assert (whole.status, whole.data, whole.headers["content-type"]) == (200, sound, "audio/L16")
            assert whole.headers["content-disposition"] == 'inline; filename="song-1.pcm"'
            part = await ask(rest, "GET", "/audio/song-1.pcm", Range="bytes=1000-1999")
            assert (part.status, part.data, part.headers["content-type"]) == (206, sound[1000:2000], "audio/L16")
            assert part.headers["content-range"] == f"bytes 1000-1999/{len(sound)}"
            assert (await ask(rest, "GET", "/audio/song-1.mp3")).status == 404


async def test_rest_asks_for_it_by_its_name() -> None:
    runner = FakeRunner()
    async with songs_of(runner) as songs, rest_of(songs) as rest:
        bodies = [ASKED, {"prompt": "pop", "output_format": "mp3"}, {"prompt": "pop"}]
        for body in bodies:
            assert (await ask(rest, "POST", f"{MUSIC}/generate", body)).status == 200
        assert [request.audio.format for request in runner.requests] == ["pcm", "mp3", "mp3"]


async def test_to_name_the_default_format_is_no_other_request() -> None:
    async with songs_of(FakeRunner()) as songs, rest_of(songs) as rest:
        key = "6f2d1a5e-93a6-4f0f-9a5c-0d8f3c2b1a00"
        formats: list[dict[str, Any]] = [{}, {"output_format": "mp3"}, {"output_format": None}]
        bodies = [{"prompt": "pop", "seed": 1, **named} for named in formats]
        answers = [await ask(rest, "POST", f"{MUSIC}/generate", body, Idempotency_Key=key) for body in bodies]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert len({answer.json["task_id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({"output_format": "wav"}, "must be 'mp3' or 'pcm'"),
        ({"output_format": ["pcm"]}, "must be 'mp3' or 'pcm'"),
        (
            {"output_format": "mp3", "audio": {"format": "mp3"}},
            "must be the same as audio.format: leave one of them out",
        ),
    ],
)
async def test_rest_refuses_what_is_no_format_and_two_of_them(body: dict[str, Any], description: str) -> None:
    async with songs_of(FakeRunner()) as songs, rest_of(songs) as rest:
        answer = await ask(rest, "POST", f"{MUSIC}/generate", {"prompt": "pop", **body})
        assert answer.status == 400
        assert answer.json["violations"] == [{"field": "output_format", "description": description}]


def test_the_document_of_rest_describes_it() -> None:
    described = document.__wrapped__(secured=False)
    for each in all_formats():
        listen = described["paths"][f"/audio/{{task_id}}{each.suffix}"]["get"]
        assert list(listen["responses"]["206"]["content"]) == [each.media_type, "application/octet-stream"]
    asked = described["components"]["schemas"]["SongRequest"]["properties"]["output_format"]
    assert (asked["enum"], asked["description"]) == (["mp3", "pcm"], "Absent: mp3.")
