"""Tests of commands that are terminated or lose their reader, each in its own process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from melisma_client.terminal.exits import Exit
from tests.clients.python.fakes import FakeMusic, song_responses
from tests.support.servers import eventually

SIGNALS = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)


def test_a_reader_who_leaves_ends_the_song(music: FakeMusic, address: str) -> None:
    music.acts = [music.waits_after(song_responses()[:4]), music.waits_after(song_responses()[3:4] * 1000)]
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "melisma_client", "generate", "-p", "pop", "-o", "-", "--server", address]
    finished = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (finished.returncode, b"Traceback" in finished.stderr) == (Exit.READER_GONE, False)
    assert music.left.wait(10)


@SIGNALS
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


@SIGNALS
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


@SIGNALS
def test_a_command_that_has_not_begun_yet_ends_without_a_traceback(number: signal.Signals, status: Exit) -> None:
    program = (
        "import os\nfrom melisma_client.terminal.ending import ended_by_signals\n"
        f"with ended_by_signals():\n    os.kill(os.getpid(), {int(number)})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (status, "")
