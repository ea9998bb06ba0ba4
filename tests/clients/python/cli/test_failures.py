"""Tests of the error messages and exit statuses of the command line."""

import socket
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

from melisma_client.terminal.exits import Exit
from tests.clients.python.cli.command import generate, melisma, unboxed
from tests.clients.python.fakes import FakeMusic, breaks_after, plays, refuses, song_responses


def test_violations_are_listed(music: FakeMusic, address: str, output: Path) -> None:
    violation = BadRequest.FieldViolation(field="duration_seconds", description="too [long]")
    details = BadRequest(field_violations=[violation])
    music.acts = [refuses(grpc.StatusCode.INVALID_ARGUMENT, "bad request", details)]
    result = generate(address, output)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "--duration: too [long]" in result.stderr
    assert not list(output.parent.iterdir())


def test_a_full_server_says_when_to_come_back(music: FakeMusic, address: str, output: Path) -> None:
    advice = RetryInfo(retry_delay=Duration(seconds=1000))
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", advice)]
    result = generate(address, output)
    assert result.exit_code == Exit.FULL
    assert "try again in about 1000 s" in result.stderr


def test_a_timeout_that_is_too_short_for_the_server_is_told(music: FakeMusic, address: str, output: Path) -> None:
    reason = ErrorInfo(reason="DEADLINE_CANNOT_BE_MET", domain="melisma.v1")
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "too short", reason)]
    result = generate(address, output)
    assert result.exit_code == Exit.OUT_OF_TIME
    assert "allow more time with --timeout" in result.stderr
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


def test_a_closed_port_is_no_server(output: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = generate(f"127.0.0.1:{port}", output, "--timeout", "2")
    assert result.exit_code == Exit.NO_SERVER
    assert "the server does not answer" in result.stderr
    assert "start a server with" in result.stderr


@pytest.mark.parametrize("server", ["", "localhost", "http://localhost:50051", "localhost:http", "localhost:0"])
def test_an_address_that_cannot_be_is_told(server: str, output: Path) -> None:
    result = generate(server, output)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "host:port" in unboxed(result.stderr)


def test_a_file_that_holds_no_certificate_is_named(address: str, output: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("words")
    result = generate(address, output, "--ca", str(tmp_path / "words.txt"))
    assert result.exit_code == Exit.WRONG_REQUEST
    # A long path is broken at the edge of the box.
    assert "words.txthasnocertificateinPEMformat" in unboxed(result.stderr).replace(" ", "")


def test_an_unknown_engine_is_told(address: str) -> None:
    assert melisma("engines", "nothing", address=address).exit_code == Exit.WRONG_REQUEST
