"""Tests that every invalid input gets a status that names the error, and that the server continues to work."""

import math
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from melisma.v1 import music_pb2, music_pb2_grpc
from tests.support.edge import details_of
from tests.support.service import running_service

INVALID = grpc.StatusCode.INVALID_ARGUMENT
TIMEOUT_SECONDS = 60.0
NOTES = music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=[music_pb2.AnchorNote()] * 100_000))


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    engines = "fake=tests.support.fakes:FakeEngine,narrow=tests.end_to_end.engines:NarrowEngine"
    with running_service(engines) as service, grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        yield channel


def refusal(channel: grpc.Channel, **fields: Any) -> Any:
    stub = music_pb2_grpc.MusicServiceStub(channel)
    with pytest.raises(grpc.RpcError) as error:
        list(stub.Generate(music_pb2.GenerateRequest(**fields), timeout=TIMEOUT_SECONDS))
    return error.value


def wrong_fields(error: Any) -> list[str]:
    return [violation.field for violation in details_of(error)["BadRequest"].field_violations]


def assert_lives(channel: grpc.Channel) -> None:
    request = music_pb2.GenerateRequest(prompt="noise", duration_seconds=10)
    responses = list(music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=TIMEOUT_SECONDS))
    assert responses[-1].event.WhichOneof("event") == "finished"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({}, ["prompt"], id="empty request"),
        pytest.param({"prompt": "x", "duration_seconds": 2.9}, ["duration_seconds"], id="2.9 s"),
        pytest.param({"prompt": "x", "duration_seconds": 601}, ["duration_seconds"], id="601 s"),
        pytest.param({"prompt": "x", "duration_seconds": -1}, ["duration_seconds"], id="negative duration"),
        pytest.param({"prompt": "x", "duration_seconds": math.nan}, ["duration_seconds"], id="NaN duration"),
        pytest.param({"prompt": "x", "duration_seconds": math.inf}, ["duration_seconds"], id="infinite duration"),
        pytest.param({"lyrics": "a" * 1_000_000}, ["lyrics"], id="1 MB of lyrics"),
        pytest.param({"prompt": "invalid"}, ["lyrics"], id="lyrics that the engine cannot plan"),
        pytest.param({"prompt": "x", "steps": 201}, ["steps"], id="steps beyond the contract"),
        pytest.param({"prompt": "x", "steps": 101}, ["steps"], id="steps beyond the engine"),
        pytest.param({"prompt": "x", "guidance_scale": math.nan}, ["guidance_scale"] * 2, id="NaN guidance"),
        pytest.param({"prompt": "x", "voice": 99}, ["voice"], id="a voice that is none"),
        pytest.param(
            {"prompt": "x", "voice": music_pb2.VOICE_KIND_MALE}, ["voice"], id="a voice that the engine lacks"
        ),
        pytest.param({"prompt": "x", "vocal_level_db": 13}, ["vocal_level_db"], id="a lead line too loud"),
        pytest.param({"prompt": "x", "vocal_level_db": -25}, ["vocal_level_db"], id="a lead line too soft"),
        pytest.param({"prompt": "x", "request_id": "me"}, ["request_id"], id="request id"),
        pytest.param({"prompt": "x", "anchor": music_pb2.Anchor(midi=b"\xff" * 65_536)}, ["anchor.midi"], id="MIDI"),
        pytest.param({"prompt": "x", "edit": music_pb2.EditTask(lyrics="la")}, ["edit.audio"], id="no recording"),
        pytest.param({"prompt": "x", "anchor": NOTES}, ["anchor.notes.notes"], id="100,000 empty notes"),
        pytest.param({"prompt": "x", "stems": [music_pb2.STEM_KIND_BASS] * 100_000}, ["stems"], id="100,000 stems"),
        pytest.param(
            {"prompt": "x", "audio": music_pb2.AudioConfig(bitrate_kbps=1)}, ["audio.bitrate_kbps"], id="bit rate"
        ),
    ],
)
def test_a_bad_value_is_named_by_its_field(channel: grpc.Channel, fields: dict[str, Any], wrong: list[str]) -> None:
    error = refusal(channel, **fields)
    assert (error.code(), wrong_fields(error)) == (INVALID, wrong)
    assert_lives(channel)


def test_more_faults_than_a_header_can_carry_still_arrive_as_a_status(channel: grpc.Channel) -> None:
    notes = [music_pb2.AnchorNote(pitch=1, length_beats=0)] * 512
    error = refusal(channel, prompt="x", anchor=music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=notes)))
    assert error.code() is INVALID
    assert wrong_fields(error)[:2] == ["anchor.notes.notes[0].pitch", "anchor.notes.notes[0].length_beats"]
    assert_lives(channel)


@pytest.mark.parametrize("data", [b"\x1a\x02\xff\xfe", b"\x22\x03\xe6\x98\x00", b"\x1a\x7f", bytes(100)])
def test_bytes_that_are_no_request_are_an_invalid_argument(channel: grpc.Channel, data: bytes) -> None:
    raw: Any = channel.unary_stream("/melisma.v1.MusicService/Generate")
    with pytest.raises(grpc.RpcError) as error:
        list(raw(data, timeout=TIMEOUT_SECONDS))
    assert (error.value.code(), wrong_fields(error.value)) == (INVALID, ["request"])
    assert_lives(channel)


def test_an_unknown_engine_is_not_found(channel: grpc.Channel) -> None:
    error = refusal(channel, prompt="x", engine="opera")
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert "fake, narrow" in error.details()
    assert_lives(channel)


@pytest.mark.parametrize(
    ("control", "value"), [("tempo_bpm", 100.0), ("voice", music_pb2.VOICE_KIND_FEMALE), ("vocal_level_db", -3.0)]
)
def test_a_control_that_the_engine_lacks_is_named(channel: grpc.Channel, control: str, value: float) -> None:
    error = refusal(channel, **{"prompt": "x", "engine": "narrow", control: value})
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert [v.subject for v in details_of(error)["PreconditionFailure"].violations] == [control]
    assert_lives(channel)


def test_a_bug_of_ours_is_told_as_internal_without_its_text(channel: grpc.Channel) -> None:
    error = refusal(channel, prompt="poison")
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error)
    assert_lives(channel)


def test_duration_zero_lets_the_engine_decide(channel: grpc.Channel) -> None:
    request = music_pb2.GenerateRequest(prompt="noise", duration_seconds=0)
    responses = list(music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=TIMEOUT_SECONDS))
    assert responses[1].event.plan.duration_seconds > 0
