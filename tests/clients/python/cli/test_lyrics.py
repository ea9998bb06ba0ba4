"""Tests of the command line with lyrics from files and from standard input."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from melisma_client.cli import app
from melisma_client.terminal.exits import Exit
from tests.clients.python.cli.command import generate, unboxed
from tests.clients.python.fakes import FakeMusic


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
    assert "is not UTF-8 text" in unboxed(result.stderr)
    assert "--encoding gb18030" in unboxed(result.stderr)
    assert generate(address, output, "--lyrics-file", str(words), "--encoding", "gbk").exit_code == Exit.DONE
    assert music.requests[0].lyrics == "春天醒来花就开"
    assert "is not a text encoding" in unboxed(
        generate(address, output, "-l", str(words), "--encoding", "nothing").stderr
    )


def test_lyrics_come_from_standard_input(music: FakeMusic, address: str, output: Path) -> None:
    options = ["generate", "-p", "pop", "-o", str(output), "-l", "-", "--server", address]
    assert CliRunner().invoke(app, options, input="[verse]\n春天".encode()).exit_code == Exit.DONE
    assert music.requests[0].lyrics == "[verse]\n春天"


def test_a_lyrics_file_that_is_not_there_is_told(address: str, output: Path) -> None:
    assert "cannot read" in unboxed(generate(address, output, "-l", "nowhere.txt").stderr)


def test_an_empty_file_of_lyrics_is_refused(address: str, output: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\ufeff\n \n", encoding="utf-8")
    result = generate(address, output, "--lyrics-file", str(words))
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "empty" in result.stderr
