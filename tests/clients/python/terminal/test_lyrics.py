"""Tests of the command line with lyrics files in any text encoding."""

from pathlib import Path

from typer.testing import CliRunner, Result

from melisma_client.cli import app
from melisma_client.terminal.exits import Exit
from tests.clients.python.fakes import FakeMusic

_CHINESE = "[verse]\n夜里的灯亮起来\n[chorus]\n风吹过来\n"
_ENGLISH = "[verse]\nIt\u2019s a \u201cnew\u201d day\n"
_UTF16 = ("utf-16", "utf-16-le", "utf-16-be")
ENCODED = [
    *((_CHINESE, encoding, None) for encoding in ("utf-8", "utf-8-sig", *_UTF16)),
    # The low byte of the first character is zero, and no Latin letter is there.
    *(("一闪一闪亮晶晶\n满天都是小星星\n", encoding, None) for encoding in _UTF16),
    *(("夜空中最亮的星，能否听清\n", encoding, None) for encoding in _UTF16),
    *((_ENGLISH, encoding, None) for encoding in ("utf-8", *_UTF16)),
    (_CHINESE, "gbk", "gb18030"),
    (_CHINESE, "gb18030", "gb18030"),
    ("國語歌詞在這裡\n", "big5", "big5"),
    (_ENGLISH, "cp1252", "cp1252"),
    ("[verse]\nCafé olé, s'il te plaît\n", "latin-1", "cp1252"),
]
"""Triples of lyrics, the encoding of the file, and the encoding that the error message suggests; `None` if the lyrics
are read without an option.
"""


def generate(address: str, output: Path, *arguments: str) -> Result:
    command = ["generate", "--prompt", "pop", "--output", str(output), "--server", address, *arguments]
    return CliRunner().invoke(app, command)


def words_of(text: str) -> str:
    """Return the text in a box of the terminal as one line, without the box."""
    return " ".join(text.replace("│", " ").split())


def test_files_of_every_encoding_make_a_song_or_name_the_way_out(
    music: FakeMusic, address: str, tmp_path: Path
) -> None:
    """Each text in each encoding is read without an option, or the error names the option with which it can be read."""
    words, wrong = tmp_path / "words.txt", []
    for text, encoding, advised in ENCODED:
        words.write_bytes(text.encode(encoding))
        music.requests.clear()
        result = generate(address, tmp_path / "song.mp3", "-l", str(words))
        if advised is None:
            right = result.exit_code == Exit.DONE and music.requests[0].lyrics == text
        else:
            told = f"--encoding {advised}" in words_of(result.stderr)
            right = told and result.exit_code == Exit.WRONG_REQUEST and music.requests == []
            again = generate(address, tmp_path / "song.mp3", "-l", str(words), "--encoding", encoding)
            right = right and again.exit_code == Exit.DONE and music.requests[0].lyrics == text
        if not right:
            wrong.append((text, encoding, result.stderr))
    assert wrong == []


def test_a_file_that_is_no_text_is_refused(address: str, tmp_path: Path) -> None:
    (tmp_path / "old.mp3").write_bytes(b"ID3\x04\x00" + bytes(range(256)) * 8)
    result = generate(address, tmp_path / "song.mp3", "-l", str(tmp_path / "old.mp3"))
    assert result.exit_code == Exit.WRONG_REQUEST
    assert "give a file of text, saved as UTF-8" in words_of(result.stderr)
