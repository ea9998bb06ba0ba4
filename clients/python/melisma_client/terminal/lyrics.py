"""Reads lyrics from a file or standard input, and detects the text encoding."""

import codecs
import re
import sys
from pathlib import Path

import typer

STANDARD_INPUT = "-"
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF16 = ("utf-16-le", "utf-16-be")
_LIKELY = ("gb18030", "big5", "shift_jis", "euc_kr")
_WESTERN = "cp1252"
_WORDS = re.compile("[\\s -~\u00a0-\u024f\u2010-\u203a\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e]")
"""Matches one Latin, Chinese, Japanese or Korean character or punctuation mark, but no control character."""
_LIKE_WORDS = (0.8, 0)


def read_lyrics(source: str, encoding: str = "") -> str:
    """Return the text of the file `source`, or of standard input for "-". Without `encoding` the text must be UTF-8 or
    UTF-16.

    Raises:
        BadParameter: the file or encoding does not exist, or the text is empty or has another encoding.
    """
    words = _decoded(source, _bytes(source), encoding)
    if not words.strip():
        raise typer.BadParameter(
            f"{_name(source)} is empty: write lyrics into it, or leave out --lyrics-file for an instrumental"
        )
    return words


def _decoded(source: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding or _detected(data)).removeprefix("\ufeff")
    except LookupError as error:
        raise typer.BadParameter(
            f"{encoding} is not a text encoding: use one such as utf-8, utf-16, {', '.join((*_LIKELY, _WESTERN))}"
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
        raise typer.BadParameter(f"cannot read the lyrics file {source} ({error.strerror}): check its path") from error


def _detected(data: bytes) -> str:
    """Return the encoding of a text: UTF-16 if it has a byte order mark, or zero bytes and plausible UTF-16 characters;
    otherwise UTF-8.
    """
    if data.startswith(_MARKS):
        return "utf-16"
    best = max(_UTF16, key=lambda encoding: _likeness(data, encoding))
    return best if 0 in data and _likeness(data, best) > _LIKE_WORDS else "utf-8"


def _advice(source: str, data: bytes, error: UnicodeDecodeError) -> str:
    wrong = f"{_name(source)} is not {error.encoding.upper()} text ({error.reason} at byte {error.start})"
    best = max(_LIKELY, key=lambda encoding: _likeness(data, encoding)[0])
    if _likeness(data, best) < _LIKE_WORDS:
        best = _WESTERN
    if _likeness(data, best) < _LIKE_WORDS:
        return f"{wrong}; give a file of text, saved as UTF-8, or name its encoding with --encoding"
    return f"{wrong}; save it as UTF-8, or name its encoding, such as --encoding {best}"


def _likeness(data: bytes, encoding: str) -> tuple[float, int]:
    """Return how plausible a text is in an encoding: the share of its characters that occur in words, 0 to 1, and for
    ties the number of ASCII characters.
    """
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0.0, 0
    words = sum(bool(_WORDS.match(character)) for character in text)
    return words / max(1, len(text)), sum(map(str.isascii, text))
