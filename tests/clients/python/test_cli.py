import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from typer.testing import CliRunner, Result

from melisma.v1 import music_pb2
from melisma_client.cli import app
from melisma_client.terminal.exits import OPTIONS, Exit
from tests.clients.python.fakes import SONG, FakeMusic, breaks_after, plays, refuses, song_responses
from tests.support.servers import eventually

ACE_STEP_OPTIONS = {field.name for field in music_pb2.AceStepOptions.DESCRIPTOR.fields}


def melisma(*arguments: str, address: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--server", address])


def generate(address: str, output: Path, *arguments: str) -> Result:
    return melisma("generate", "--prompt", "pop", "--output", str(output), *arguments, address=address)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "song.mp3"


def test_a_song_is_written_and_told_about(address: str, output: Path) -> None:
    result = generate(address, output)
    assert result.exit_code == Exit.DONE
    assert output.read_bytes() == SONG
    for told in (
        "seed 7",
        "2 sections",
        "C major",
        "120 bpm, male voice,",
        "first sound",
        "verse 1",
        "chorus 1",
        "finished",
    ):
        assert told in result.stderr


def test_every_option_reaches_the_request(music: FakeMusic, address: str, output: Path, tmp_path: Path) -> None:
    (tmp_path / "tune.mid").write_bytes(b"MThd")
    options = {
        "--lyrics": "[verse]\nla",
        "--duration": "30",
        "--seed": "5",
        "--engine": "studio",
        "--steps": "12",
        "--guidance": "2.5",
        "--key": "Am",
        "--tempo": "90",
        "--anchor": str(tmp_path / "tune.mid"),
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
    }
    generate(address, output, *(word for option in options.items() for word in option))
    (request,) = music.requests
    named = {field.name for field, _ in request.ListFields()}
    tasks = {field.name for field in request.DESCRIPTOR.oneofs_by_name["task"].fields}
    assert named == {field.name for field in request.DESCRIPTOR.fields} - tasks | {"retake"}
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


def test_without_an_option_of_ace_step_no_engine_is_chosen(music: FakeMusic, address: str, output: Path) -> None:
    assert generate(address, output).exit_code == Exit.DONE
    (asked,) = music.requests
    assert (asked.engine, asked.WhichOneof("engine_options")) == ("", None)


def test_options_of_ace_step_and_another_engine_are_left_to_the_server_to_refuse(
    music: FakeMusic, address: str, output: Path
) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="engine_options", description="of another engine")
    details = error_details_pb2.BadRequest(field_violations=[violation])
    music.acts = [refuses(grpc.StatusCode.INVALID_ARGUMENT, "bad request", details)]
    result = generate(address, output, "--engine", "studio", "--omega", "1")
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "--engine: of another engine" in result.stderr
    assert (music.requests[0].engine, music.requests[0].ace_step.omega) == ("studio", 1.0)


def test_the_help_shows_the_options_of_ace_step_apart(address: str) -> None:
    general, _, special = melisma("generate", "--help", address=address).stdout.partition("Options of ACE-Step")
    flags = {f"--{name.replace('_', '-')} " for name in ACE_STEP_OPTIONS}
    assert {flag for flag in flags if flag in special} == flags
    assert {flag for flag in flags if flag in general} == set()


def test_a_task_and_its_recording_need_each_other(address: str, output: Path, tmp_path: Path) -> None:
    assert "needs --recording" in generate(address, output, "--task", "extend").stderr
    (tmp_path / "source.wav").write_bytes(b"sound")
    assert "needs --task" in generate(address, output, "--recording", str(tmp_path / "source.wav")).stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--strength", "0.5"), "--strength needs --task audio-to-audio"),
        (("--task", "retake", "--seed", "1", "--from", "2"), "--from needs --task repaint"),
        (("--task", "retake"), "--task retake needs --seed"),
    ],
)
def test_options_of_a_task_need_it(
    music: FakeMusic, address: str, output: Path, options: tuple[str, ...], told: str
) -> None:
    result = generate(address, output, *options)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert told in _words(result.stderr)
    assert music.requests == []


def test_the_caller_is_named(music: FakeMusic, address: str, output: Path) -> None:
    generate(address, output, "--caller", "radio")
    assert music.callers == ["radio"]
    assert generate(address, output, "--caller", "电台").exit_code == Exit.WRONG_REQUEST


def test_lyrics_come_from_a_file(music: FakeMusic, address: str, output: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("[verse]\n春天醒来花就开", encoding="utf-8-sig")
    generate(address, output, "--lyrics-file", str(words))
    assert music.requests[0].lyrics == "[verse]\n春天醒来花就开"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_lyrics_are_read_in_the_encodings_of_editors(
    music: FakeMusic, address: str, output: Path, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "words.txt").write_bytes("[verse]\n春天 is here\n".encode(encoding))
    assert generate(address, output, "-l", str(tmp_path / "words.txt")).exit_code == Exit.DONE
    assert music.requests[0].lyrics == "[verse]\n春天 is here\n"


def test_lyrics_in_another_encoding_are_refused_and_the_way_out_is_told(
    music: FakeMusic, address: str, output: Path, tmp_path: Path
) -> None:
    words = tmp_path / "words.txt"
    words.write_bytes("春天醒来花就开".encode("gbk"))
    result = generate(address, output, "--lyrics-file", str(words))
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "is not UTF-8 text" in _words(result.stderr)
    assert "--encoding gb18030" in _words(result.stderr)
    assert generate(address, output, "--lyrics-file", str(words), "--encoding", "gbk").exit_code == Exit.DONE
    assert music.requests[0].lyrics == "春天醒来花就开"
    assert "no encoding" in _words(generate(address, output, "-l", str(words), "--encoding", "nothing").stderr)


def test_lyrics_come_from_standard_input(music: FakeMusic, address: str, output: Path) -> None:
    options = ["generate", "-p", "pop", "-o", str(output), "-l", "-", "--server", address]
    assert CliRunner().invoke(app, options, input="[verse]\n春天".encode()).exit_code == Exit.DONE
    assert music.requests[0].lyrics == "[verse]\n春天"


def test_a_lyrics_file_that_is_not_there_is_told(address: str, output: Path) -> None:
    assert "cannot read" in _words(generate(address, output, "-l", "nowhere.txt").stderr)


def test_an_empty_file_of_lyrics_is_refused(address: str, output: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\ufeff\n \n", encoding="utf-8")
    result = generate(address, output, "--lyrics-file", str(words))
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "empty" in result.stderr


def test_a_seed_that_no_field_can_hold_is_refused(address: str, output: Path) -> None:
    assert generate(address, output, "--seed", str(1 << 70)).exit_code == Exit.WRONG_REQUEST


def test_violations_are_listed(music: FakeMusic, address: str, output: Path) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="duration_seconds", description="too [long]")
    details = error_details_pb2.BadRequest(field_violations=[violation])
    music.acts = [refuses(grpc.StatusCode.INVALID_ARGUMENT, "bad request", details)]
    result = generate(address, output)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "--duration: too [long]" in result.stderr
    assert not list(output.parent.iterdir())


def test_a_full_server_says_when_to_come_back(music: FakeMusic, address: str, output: Path) -> None:
    advice = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1000))
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", advice)]
    result = generate(address, output)
    assert result.exit_code == Exit.FULL
    assert "try again in about 1000 s" in result.stderr


def test_a_timeout_that_is_too_short_for_the_server_is_told(music: FakeMusic, address: str, output: Path) -> None:
    reason = error_details_pb2.ErrorInfo(reason="DEADLINE_CANNOT_BE_MET", domain="melisma.v1")
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "too short", reason)]
    result = generate(address, output)
    assert result.exit_code == Exit.OUT_OF_TIME
    assert "--timeout allows more time" in result.stderr
    assert "try again" not in result.stderr


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.NOT_FOUND, Exit.WRONG_REQUEST),
        (grpc.StatusCode.FAILED_PRECONDITION, Exit.WRONG_REQUEST),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Exit.FULL),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Exit.OUT_OF_TIME),
        (grpc.StatusCode.INTERNAL, Exit.FAILED),
    ],
)
def test_failures_have_their_exit_status(
    code: grpc.StatusCode, status: Exit, music: FakeMusic, address: str, output: Path
) -> None:
    music.acts = [refuses(code, "because")]
    assert generate(address, output).exit_code == status


def test_a_song_that_breaks_off_is_kept_and_named(music: FakeMusic, address: str, output: Path) -> None:
    music.acts = [breaks_after(song_responses()[:4], grpc.StatusCode.UNAVAILABLE, "worker lost")]
    result = generate(address, output)
    assert result.exit_code == Exit.NO_SERVER
    assert "song.mp3.part" in result.stderr.replace("\n", "")
    assert output.with_name("song.mp3.part").read_bytes() == b"first"


def test_a_wrong_checksum_is_an_error(music: FakeMusic, address: str, output: Path) -> None:
    responses = song_responses()
    responses[-1].event.finished.sha256 = "0" * 64
    music.acts = [plays(responses)]
    assert generate(address, output).exit_code == Exit.NOT_WHOLE
    assert not output.exists()


def test_a_folder_that_does_not_exist_is_refused(address: str, tmp_path: Path) -> None:
    result = generate(address, tmp_path / "nowhere" / "song.mp3")
    assert result.exit_code == Exit.WRONG_REQUEST


@pytest.mark.parametrize("name", ["", "song.wav"])
def test_a_target_that_cannot_be_is_told_before_the_song_is_made(
    music: FakeMusic, address: str, tmp_path: Path, name: str
) -> None:
    assert generate(address, tmp_path / name).exit_code == Exit.WRONG_REQUEST
    assert music.requests == []
    assert not list(tmp_path.iterdir())


def test_standard_output_is_the_song_and_nothing_else(address: str) -> None:
    result = melisma("generate", "--prompt", "pop", "--output", "-", address=address)
    assert (result.exit_code, result.stdout_bytes) == (Exit.DONE, SONG)


def test_a_reader_who_leaves_ends_the_song(music: FakeMusic, address: str) -> None:
    music.acts = [music.waits_after(song_responses()[:4]), music.waits_after(song_responses()[3:4] * 1000)]
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "melisma_client", "generate", "-p", "pop", "-o", "-", "--server", address]
    finished = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (finished.returncode, b"Traceback" in finished.stderr) == (Exit.READER_GONE, False)
    assert music.left.wait(10)


def test_engines_are_shown_with_their_facts(address: str) -> None:
    result = melisma("engines", address=address)
    assert result.exit_code == Exit.DONE
    for told in ("studio", "zh", "female, male", "vocal", "CC-BY-4.0", "allowed", "Sung by [nobody]"):
        assert told in result.stdout
    assert "kind" not in result.stdout


def test_no_use_of_an_engine_is_allowed_by_silence(music: FakeMusic, address: str) -> None:
    music.engines = [music_pb2.Engine(name="far")]
    assert "not known to be allowed" in melisma("engines", address=address).stdout


def test_an_unknown_engine_is_told(address: str) -> None:
    assert melisma("engines", "nothing", address=address).exit_code == Exit.WRONG_REQUEST


def test_a_closed_port_is_no_server(output: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = generate(f"127.0.0.1:{port}", output, "--timeout", "2")
    assert result.exit_code == Exit.NO_SERVER
    assert "no server answers" in result.stderr
    assert "is a server running there?" in result.stderr


@pytest.mark.parametrize("server", ["", "localhost", "http://localhost:50051", "localhost:http", "localhost:0"])
def test_an_address_that_cannot_be_is_told(server: str, output: Path) -> None:
    result = generate(server, output)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "host:port" in _words(result.stderr)


def test_a_file_that_holds_no_certificate_is_named(address: str, output: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("words")
    result = generate(address, output, "--ca", str(tmp_path / "words.txt"))
    assert result.exit_code == Exit.WRONG_REQUEST
    # A long path is broken at the edge of the box.
    assert "words.txtholdsnocertificateinPEMform" in _words(result.stderr).replace(" ", "")


def test_songs_are_listed_and_shown_and_cancelled(music: FakeMusic, address: str) -> None:
    for command in (("list",), ("get", "song-1"), ("cancel", "song-1")):
        result = melisma(*command, address=address)
        assert result.exit_code == Exit.DONE, result.stderr
        assert "song-1" in result.stdout
    assert music.cancelled == ["song-1"]
    assert melisma("get", "nothing", address=address).exit_code == Exit.WRONG_REQUEST


def test_songs_are_deleted_and_each_is_told(music: FakeMusic, address: str) -> None:
    ended, running = music_pb2.SONG_STATE_COMPLETED, music_pb2.SONG_STATE_RUNNING
    songs = {"song-1": ended, "song-2": running, "song-3": ended, "song-4": ended, "song-5": ended}
    music.songs = [music_pb2.Song(song_id=song_id, state=state) for song_id, state in songs.items()]
    result = melisma("delete", "song-1", "song-2", "song-9", "song-3", address=address)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert result.stdout.splitlines() == ["deleted song-1", "deleted song-3"]
    for told in ("the song is being made", "`melisma cancel` ends it", "not found: no song 'song-9'"):
        assert told in result.stderr
    result = melisma("delete", "song-4", "--json", address=address)
    assert (result.exit_code, json.loads(result.stdout), result.stderr) == (Exit.DONE, {"song_id": "song-4"}, "")
    result = melisma("delete", "song-5", "--quiet", address=address)
    assert (result.exit_code, result.stdout, result.stderr) == (Exit.DONE, "", "")
    assert [song.song_id for song in music.songs] == ["song-2"]
    assert melisma("delete", address=address).exit_code == Exit.WRONG_REQUEST


def test_a_song_is_listened_to_from_a_byte(music: FakeMusic, address: str, output: Path) -> None:
    result = melisma("listen", "song-1", "-o", str(output), "--byte-offset", "0", address=address)
    assert result.exit_code == Exit.DONE, result.stderr
    assert (output.read_bytes(), music.resumptions) == (SONG, [0])


def test_json_is_a_line_for_each(address: str, output: Path) -> None:
    (song,) = map(json.loads, melisma("list", "--json", address=address).stdout.splitlines())
    assert (song["song_id"], song["state"]) == ("song-1", "SONG_STATE_COMPLETED")
    (engine,) = map(json.loads, melisma("engines", "--json", address=address).stdout.splitlines())
    assert engine["name"] == "studio"
    result = generate(address, output, "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [next(iter(event)) for event in events][:2] == ["accepted", "plan"]
    assert events[-1]["finished"]["size_bytes"] == str(len(SONG))
    assert not any("data" in event.get("chunk", {}) for event in events)
    assert result.stderr == ""


def test_json_and_the_song_do_not_share_standard_output(address: str) -> None:
    assert melisma("generate", "-p", "pop", "-o", "-", "--json", address=address).exit_code == Exit.WRONG_REQUEST


def test_quiet_tells_errors_alone(music: FakeMusic, address: str, output: Path) -> None:
    assert generate(address, output, "--quiet").stderr == ""
    music.acts = [refuses(grpc.StatusCode.NOT_FOUND, "no such engine")]
    assert "not found: no such engine" in generate(address, output, "--quiet").stderr


def test_the_id_of_the_song_is_told(address: str, output: Path) -> None:
    assert "song song-1" in generate(address, output).stderr


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.split()[0]) == (Exit.DONE, "melisma")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)])
def test_a_command_that_is_told_to_end_cancels_its_song_and_keeps_what_arrived(
    music: FakeMusic, address: str, output: Path, number: signal.Signals, status: Exit
) -> None:
    music.acts = [music.waits_after(song_responses()[:4])]
    command = [sys.executable, "-m", "melisma_client", "generate", "-p", "pop", "-o", str(output), "--server", address]
    part = output.with_name("song.mp3.part")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        eventually(lambda: part.exists() and part.stat().st_size > 0)
        running.send_signal(number)
        _, told = running.communicate(timeout=30)
    assert (running.returncode, "Traceback" in told) == (status, False)
    assert "the song was cancelled" in told
    assert "song.mp3.part" in told
    assert part.read_bytes() == b"first"
    assert music.left.wait(10)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)])
@pytest.mark.parametrize("command", [("list",), ("delete", "song-1")])
def test_a_question_that_is_told_to_end_does_so_without_a_traceback(
    command: tuple[str, ...], number: signal.Signals, status: Exit
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        words = [sys.executable, "-m", "melisma_client", *command, "--server", address]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            connection, _ = silent.accept()
            running.send_signal(number)
            told = running.communicate(timeout=30)
            connection.close()
    assert (running.returncode, told) == (status, ("", ""))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)])
def test_a_command_that_has_not_begun_yet_ends_without_a_traceback(number: signal.Signals, status: Exit) -> None:
    program = (
        "import os\nfrom melisma_client.terminal.ending import ended_by_signals\n"
        f"with ended_by_signals():\n    os.kill(os.getpid(), {int(number)})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (status, "")


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


def _words(text: str) -> str:
    """What a box on a terminal says, without the box."""
    return " ".join(text.replace("│", " ").split())
