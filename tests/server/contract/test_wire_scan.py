"""Tests that the bytes of a request are checked against limits before they are parsed."""

import random
from collections.abc import Callable

import pytest
from google.protobuf.message import DecodeError

from benchmarks.attacks import payloads
from benchmarks.songs import SONGS
from melisma.v1 import music_pb2
from server.contract.wire_scan import MAX_FIELDS, MAX_FOREIGN_BYTES, RequestLimits, scan, scan_foreign
from server.errors import InvalidRequest

GENERATE = music_pb2.GenerateRequest.DESCRIPTOR
LIMITS = RequestLimits(request_bytes=100_000, recording_bytes=1_000_000)
STEMS = (
    music_pb2.STEM_KIND_VOCAL,
    music_pb2.STEM_KIND_HARMONY,
    music_pb2.STEM_KIND_DRUMS,
    music_pb2.STEM_KIND_BASS,
    music_pb2.STEM_KIND_ORNAMENTS,
)
NOTE = music_pb2.AnchorNote(pitch=60, length_beats=1.5)


def full_request() -> music_pb2.GenerateRequest:
    """Return a request with a field of every kind, each of maximum size."""
    return music_pb2.GenerateRequest(
        request_id="6f1c0d0e-1111-4222-8333-444455556666",
        engine="studio",
        prompt="\U0001d11e" * 1000,
        lyrics="春" * 10_000,
        duration_seconds=60.5,
        audio=music_pb2.AudioConfig(bitrate_kbps=320, sample_rate_hertz=48_000),
        seed=2**32 - 1,
        steps=5,
        guidance_scale=2.5,
        key="C major",
        tempo_bpm=100,
        anchor=music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=[NOTE] * 512)),
        stems=STEMS,
        mastering=music_pb2.MasteringConfig(target_lufs=-14),
        voice=music_pb2.VOICE_KIND_FEMALE,
        vocal_level_db=-3,
        language="zh-CN",
        edit=music_pb2.EditTask(audio=b"a" * 500_000, prompt="jazz", lyrics="la", averages=2, seed=0, start=0.5),
        ace_step=music_pb2.AceStepOptions(mode=music_pb2.GENERATION_MODE_WHOLE, omega=3, lora="x", lora_weight=1),
    )


def refusal(data: bytes, message: object = GENERATE, limits: RequestLimits = LIMITS) -> str:
    """Return the error for the bytes of a message; "passed" if they may be parsed."""
    try:
        scan(message, data, limits)  # type: ignore[arg-type]
    except InvalidRequest as error:
        return str(error)
    return "passed"


def test_what_the_contract_allows_passes() -> None:
    requests = [*SONGS.values(), full_request(), music_pb2.GenerateRequest()]
    requests += [music_pb2.GenerateRequest(anchor=music_pb2.Anchor(midi=bytes(65_536)))]
    assert [refusal(one.SerializeToString()) for one in requests] == ["passed"] * len(requests)
    for response in (music_pb2.ListSongsRequest(page_size=5, page_token="t"), music_pb2.GetSongRequest(song_id="s")):
        assert refusal(response.SerializeToString(), type(response).DESCRIPTOR) == "passed"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(payloads.empty_notes(4_000_000), "anchor.notes.notes: must have at most 512 elements", id="notes"),
        pytest.param(payloads.empty_notes(1026), "anchor.notes.notes: must have at most 512 elements", id="513 notes"),
        pytest.param(payloads.many_stems(1_000_000), "stems: must have at most 64 elements", id="packed stems"),
        pytest.param(b"\x68\x01" * 65, "stems: must have at most 64 elements", id="stems one by one"),
        pytest.param(b"\x38\x01" * (MAX_FIELDS + 1), "request: must have at most 4096 fields", id="one field again"),
        pytest.param(b"\x62\x00" * (MAX_FIELDS + 1), "request: must have at most 4096 fields", id="one message again"),
        pytest.param(payloads.unknown_fields(4_000_000), "request: has a field that this server's", id="unknown"),
        pytest.param(payloads.nested_unknown(90), "request: has a field that this server's", id="unknown messages"),
        pytest.param(b"\x62\x03\xf8\x07\x01", "request: has a field that this server's", id="unknown inside"),
        pytest.param(b"\x1b\x1c", "request: has a field that this server's", id="a group"),
        pytest.param(b"\x18\x01", "request: has a field that this server's", id="a number for a string"),
        pytest.param(payloads.with_lyrics("a" * 40_001), "lyrics: must be at most 10000 characters", id="lyrics"),
        pytest.param(payloads.with_midi(bytes(65_537)), "anchor.midi: must be at most 65536 bytes", id="MIDI"),
        pytest.param(b"\x1a\x05abc", "request: cannot be read", id="longer than the request"),
        pytest.param(b"\x62\x04\x0a\x05\x0a\x00", "request: cannot be read", id="longer than what holds it"),
        pytest.param(b"\x29\x00", "request: cannot be read", id="half a number"),
        pytest.param(b"\x38" + b"\xff" * 10, "request: cannot be read", id="an endless number"),
        pytest.param(b"\xff", "request: cannot be read", id="half a tag"),
        pytest.param(b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "request: cannot be read", id="2^64 - 1 bytes"),
    ],
)
def test_what_is_too_much_is_refused_by_its_field(data: bytes, told: str) -> None:
    assert refusal(data).startswith(told)


def test_a_recording_counts_apart() -> None:
    def request(recording: int, rest: int) -> bytes:
        task = music_pb2.AudioToAudioTask(audio=bytes(recording))
        return music_pb2.GenerateRequest(lyrics="a" * rest, audio_to_audio=task).SerializeToString()

    limits = RequestLimits(request_bytes=1000, recording_bytes=5000)
    assert refusal(request(4000, 900), limits=limits) == "passed"
    assert (
        refusal(request(0, 1001), limits=limits)
        == "request: must have at most 1000 bytes, the recording not counted: send shorter texts"
    )
    assert (
        refusal(request(3000, 1001), limits=limits)
        == "request: must have at most 1000 bytes, the recording not counted: send shorter texts"
    )
    assert (
        refusal(request(4900, 200), limits=limits)
        == "request: must have at most 5000 bytes, the recording included: send a shorter or compressed recording"
    )


def test_requests_to_other_services_are_short() -> None:
    assert scan_foreign(b"a" * MAX_FOREIGN_BYTES)
    with pytest.raises(InvalidRequest, match="must have at most 4096 bytes"):
        scan_foreign(b"a" * (MAX_FOREIGN_BYTES + 1))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _changed(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _doubled(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    data[start:start] = data[start : start + chance.randrange(20)]


def test_what_passes_is_parsed_without_more_than_was_counted() -> None:
    chance, passed = random.Random(5), 0
    note = music_pb2.AnchorNoteList(notes=[NOTE] * 3)
    small = music_pb2.GenerateRequest(prompt="pop", stems=STEMS[:1], seed=5, anchor=music_pb2.Anchor(notes=note))
    small.repaint.audio = b"abc"
    changes: list[Callable[[bytearray, random.Random], None]] = [_cut, _changed, _doubled]
    for _ in range(3000):
        data = bytearray(small.SerializeToString())
        for _ in range(chance.randrange(1, 4)):
            if data:
                chance.choice(changes)(data, chance)
        if refusal(bytes(data)) != "passed":
            continue
        passed += 1
        try:
            parsed = music_pb2.GenerateRequest.FromString(bytes(data))
        except DecodeError:
            continue
        known = music_pb2.GenerateRequest()
        known.CopyFrom(parsed)
        known.DiscardUnknownFields()
        assert known.ByteSize() == parsed.ByteSize(), bytes(data)
    assert passed > 300
