"""Tests that the options of `melisma generate` reach the request."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor import Descriptor
from google.rpc.error_details_pb2 import BadRequest

from melisma.v1 import music_pb2
from melisma_client.terminal.exits import OPTIONS, Exit
from tests.clients.python.cli.command import generate, melisma, unboxed
from tests.clients.python.fakes import FakeMusic, refuses

ACE_STEP_OPTIONS = {field.name for field in music_pb2.AceStepOptions.DESCRIPTOR.fields}
ACE_STEP_15_OPTIONS = {field.name for field in music_pb2.AceStep15Options.DESCRIPTOR.fields}


def every_option(folder: Path) -> dict[str, str]:
    """Return every option of `melisma generate` with a value; files that are values of options are written into the
    folder.
    """
    (folder / "tune.mid").write_bytes(b"MThd")
    (folder / "voice.wav").write_bytes(b"sound")
    return {
        "--lyrics": "[verse]\nla",
        "--duration": "30",
        "--seed": "5",
        "--engine": "studio",
        "--steps": "12",
        "--guidance": "2.5",
        "--key": "Am",
        "--tempo": "90",
        "--anchor": str(folder / "tune.mid"),
        "--stem": "drums",
        "--voice": "male",
        "--vocal-level": "-3.5",
        "--bitrate": "128",
        "--sample-rate": "48000",
        "--loudness": "-12",
        "--language": "zh",
        "--mode": "sectioned",
        "--sampler": "heun",
        "--omega": "0",
        "--lora": "rap",
        "--lora-weight": "0.5",
        "--task": "retake",
        "--negative-prompt": "noise",
        "--time-signature": "3/4",
        "--reference": str(folder / "voice.wav"),
    }


def test_every_option_reaches_the_request(music: FakeMusic, address: str, output: Path, tmp_path: Path) -> None:
    options = every_option(tmp_path)
    generate(address, output, *(word for option in options.items() for word in option))
    (request,) = music.requests
    named = {field.name for field, _ in request.ListFields()}
    tasks = {field.name for field in request.DESCRIPTOR.oneofs_by_name["task"].fields}
    engines = {field.name for field in request.DESCRIPTOR.oneofs_by_name["engine_options"].fields}
    fields = {field.name for field in request.DESCRIPTOR.fields}
    assert named == fields - tasks - engines | {"retake", "ace_step"}
    assert request.reference_audio.audio == b"sound"
    assert {field.name for field, _ in request.ace_step.ListFields()} == ACE_STEP_OPTIONS
    assert (request.audio.bitrate_kbps, request.audio.sample_rate_hertz) == (128, 48000)
    assert (request.voice, request.vocal_level_db) == (music_pb2.VOICE_KIND_MALE, -3.5)


@pytest.mark.parametrize(
    ("options", "name", "values"),
    [
        (("audio-to-audio", "--strength", "0.3"), "audio_to_audio", {"audio": b"sound", "strength": 0.3}),
        (("retake", "--variance", "0.2"), "retake", {"variance": 0.2}),
        (("repaint", "--from", "2", "--to", "4"), "repaint", {"audio": b"sound", "start_seconds": 2, "end_seconds": 4}),
        (("extend", "--before", "1", "--after", "3"), "extend", {"left_seconds": 1, "right_seconds": 3}),
        (("edit", "--new-prompt", "jazz", "--new-lyrics", "la", "--keep", "0.2"), "edit",
         {"prompt": "jazz", "lyrics": "la", "start": 0.2}),
        (("extract-track", "--track", "vocals"), "extract_track", {"track": music_pb2.TRACK_KIND_VOCALS}),
        (("lego", "--track", "fx", "--from", "1", "--to", "3"), "lego",
         {"track": music_pb2.TRACK_KIND_FX, "start_seconds": 1, "end_seconds": 3}),
        (("complete", "--track", "bass", "--track", "drums"), "complete",
         {"tracks": [music_pb2.TRACK_KIND_BASS, music_pb2.TRACK_KIND_DRUMS]}),
    ],
)  # fmt: skip
def test_tasks_reach_the_request(
    music: FakeMusic, address: str, output: Path, tmp_path: Path, options: tuple[str, ...], name: str,
    values: dict[str, object],
) -> None:  # fmt: skip
    (tmp_path / "source.wav").write_bytes(b"sound")
    recording = ("--seed", "5") if name == "retake" else ("--recording", str(tmp_path / "source.wav"))
    assert generate(address, output, "--task", *options, *recording).exit_code == Exit.DONE
    task = getattr(music.requests[0], name)
    assert {field: getattr(task, field) for field in values} == values


def test_options_of_ace_step_reach_the_request(music: FakeMusic, address: str, output: Path) -> None:
    options = ("--language", "zh", "--mode", "sectioned", "--sampler", "heun", "--omega", "0", "--lora", "rap")
    assert generate(address, output, *options, "--lora-weight", "0.5").exit_code == Exit.DONE
    asked = music.requests[0]
    assert asked.language == "zh"
    assert asked.ace_step == music_pb2.AceStepOptions(
        mode=music_pb2.GENERATION_MODE_SECTIONED,
        sampler=music_pb2.SAMPLER_HEUN,
        omega=0.0,
        lora="rap",
        lora_weight=0.5,
    )


@pytest.mark.parametrize(
    ("flag", "value", "options"),
    [
        ("--mode", "whole", music_pb2.AceStepOptions(mode=music_pb2.GENERATION_MODE_WHOLE)),
        ("--sampler", "pingpong", music_pb2.AceStepOptions(sampler=music_pb2.SAMPLER_PINGPONG)),
        ("--omega", "0", music_pb2.AceStepOptions(omega=0.0)),
        ("--lora", "rap", music_pb2.AceStepOptions(lora="rap")),
        ("--lora-weight", "0", music_pb2.AceStepOptions(lora_weight=0.0)),
    ],
)
def test_one_option_of_ace_step_chooses_the_engine(
    music: FakeMusic, address: str, output: Path, flag: str, value: str, options: music_pb2.AceStepOptions
) -> None:
    assert generate(address, output, flag, value).exit_code == Exit.DONE
    (asked,) = music.requests
    assert (asked.engine, asked.WhichOneof("engine_options"), asked.ace_step) == ("", "ace_step", options)


def test_options_of_ace_step_15_reach_the_request(music: FakeMusic, address: str, output: Path) -> None:
    own = ("--shift", "2", "--guidance-start", "0", "--guidance-end", "0.5")
    shared = ("--mode", "whole", "--lora", "rap", "--lora-weight", "0.5")
    assert generate(address, output, *own, *shared).exit_code == Exit.DONE
    assert generate(address, output, "--engine", "ace_step_15", "--lora", "rap").exit_code == Exit.DONE
    full, named = music.requests
    assert {field.name for field, _ in full.ace_step_15.ListFields()} == ACE_STEP_15_OPTIONS
    assert named.ace_step_15 == music_pb2.AceStep15Options(lora="rap")
    for wrong in (("--omega", "1", "--shift", "2"), ("--engine", "ace_step", "--shift", "2")):
        assert "leave out those of the other engine" in unboxed(generate(address, output, *wrong).stderr)


def test_options_of_musicgen_reach_the_request_and_exclude_those_of_ace_step(
    music: FakeMusic, address: str, output: Path
) -> None:
    assert generate(address, output, "--top-k", "5", "--temperature", "0.5").exit_code == Exit.DONE
    assert music.requests[0].musicgen == music_pb2.MusicGenOptions(top_k=5, temperature=0.5)
    result = generate(address, output, "--top-k", "5", "--omega", "1")
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "exclude each other" in unboxed(result.stderr)
    assert len(music.requests) == 1


def test_without_an_option_of_ace_step_no_engine_is_chosen(music: FakeMusic, address: str, output: Path) -> None:
    assert generate(address, output).exit_code == Exit.DONE
    (asked,) = music.requests
    assert (asked.engine, asked.WhichOneof("engine_options")) == ("", None)


def test_options_of_ace_step_and_another_engine_are_left_to_the_server_to_refuse(
    music: FakeMusic, address: str, output: Path
) -> None:
    violation = BadRequest.FieldViolation(field="engine_options", description="of another engine")
    details = BadRequest(field_violations=[violation])
    music.acts = [refuses(grpc.StatusCode.INVALID_ARGUMENT, "bad request", details)]
    result = generate(address, output, "--engine", "studio", "--omega", "1")
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "--engine: of another engine" in result.stderr
    assert (music.requests[0].engine, music.requests[0].ace_step.omega) == ("studio", 1.0)


def test_the_help_shows_the_options_of_ace_step_apart(address: str) -> None:
    general, _, special = melisma("generate", "--help", address=address).stdout.partition("Options of ACE-Step")
    flags = {f"--{name.replace('_', '-')} " for name in ACE_STEP_OPTIONS | ACE_STEP_15_OPTIONS}
    assert {flag for flag in flags if flag in special} == flags
    assert {flag for flag in flags if flag in general} == set()


def test_a_task_and_its_recording_need_each_other(address: str, output: Path, tmp_path: Path) -> None:
    assert "needs a recording" in generate(address, output, "--task", "extend").stderr
    (tmp_path / "source.wav").write_bytes(b"sound")
    assert (
        "has an effect only with --task"
        in generate(address, output, "--recording", str(tmp_path / "source.wav")).stderr
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--strength", "0.5"), "--strength has an effect only with --task audio-to-audio"),
        (("--task", "retake", "--seed", "1", "--from", "2"), "--from has an effect only with --task repaint"),
        (("--task", "retake"), "--task retake needs the seed"),
        (("--task", "lego", "--recording", __file__), "--task lego needs one track"),
        (("--task", "extend", "--recording", __file__, "--track", "fx"), "--track has an effect only with --task"),
    ],
)
def test_options_of_a_task_need_it(
    music: FakeMusic, address: str, output: Path, options: tuple[str, ...], told: str
) -> None:
    result = generate(address, output, *options)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert told in unboxed(result.stderr)
    assert music.requests == []


def test_the_caller_is_named(music: FakeMusic, address: str, output: Path) -> None:
    generate(address, output, "--caller", "radio")
    assert music.callers == ["radio"]
    assert generate(address, output, "--caller", "电台").exit_code == Exit.WRONG_REQUEST


def test_a_seed_that_no_field_can_hold_is_refused(address: str, output: Path) -> None:
    assert generate(address, output, "--seed", str(1 << 70)).exit_code == Exit.WRONG_REQUEST


def test_every_option_of_a_violation_is_one_of_the_command(address: str) -> None:
    asked = music_pb2.GenerateRequest.DESCRIPTOR
    assert set(OPTIONS) <= {*_paths(asked), *(oneof.name for oneof in asked.oneofs)}
    shown = melisma("generate", "--help", address=address).stdout
    assert {option for option in OPTIONS.values() if option not in shown} == set()


def _paths(message: Descriptor, prefix: str = "") -> Iterator[str]:
    for field in message.fields:
        yield prefix + field.name
        if field.message_type and not prefix:
            yield from _paths(field.message_type, f"{field.name}.")
