"""Reads the words of a song from a file or standard input, in the encodings that editors write."""

import codecs
import sys
from pathlib import Path

import typer

STANDARD_INPUT = "-"
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LIKELY = ("gb18030", "big5", "shift_jis", "euc_kr")


def read_lyrics(source: str, encoding: str = "") -> str:
    """The text of the file `source`, or of standard input for "-": UTF-8, or UTF-16, unless `encoding` names another.

    Raises:
        BadParameter: there is no such file or encoding, the text has another encoding, or there is none.
    """
    words = _decoded(source, _bytes(source), encoding)
    if not words.strip():
        raise typer.BadParameter(f"{_name(source)} is empty; leave out --lyrics-file for an instrumental")
    return words


def _decoded(source: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding or _detected(data)).removeprefix("\ufeff")
    except LookupError as error:
        raise typer.BadParameter(
            f"{encoding} is no encoding; try one of utf-8, utf-16, {', '.join(_LIKELY)}"
        ) from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter(_advice(source, data, error)) from error


def _name(source: str) -> str:
    return "standard input" if source == STANDARD_INPUT else source


def _bytes(source: str) -> bytes:
    if source == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"cannot read {source}: {error.strerror}") from error


def _detected(data: bytes) -> str:
    """UTF-16 by its mark, or by the zero bytes of its spaces and line ends; else UTF-8."""
    if data.startswith(_MARKS):
        return "utf-16"
    for encoding, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        if 0 in data[first::2] and 0 not in data[1 - first :: 2]:
            return encoding
    return "utf-8"


def _advice(source: str, data: bytes, error: UnicodeDecodeError) -> str:
    likely = next((encoding for encoding in _LIKELY if _decodes(data, encoding)), None)
    wrong = f"{_name(source)} is not {error.encoding.upper()} text ({error.reason} at byte {error.start})"
    return f"{wrong}; save it as UTF-8, or name its encoding, such as --encoding {likely or 'latin-1'}"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
