"""Writes the metadata tag at the head of a song: ID3v2.4.0 (id3.org, "ID3 tag version 2.4.0 - Main Structure" and
"Native Frames").
"""

from collections.abc import Mapping
from types import MappingProxyType

_UTF8 = b"\x03"
_NO_FLAGS = b"\x00\x00"
_TEXT_FRAMES: Mapping[str, str] = MappingProxyType(
    {
        "title": "TIT2",
        "artist": "TPE1",
        "album": "TALB",
        "genre": "TCON",
        "language": "TLAN",
        "key": "TKEY",
        "tempo_bpm": "TBPM",
    }
)


def head_tag(tags: Mapping[str, str]) -> bytes:
    """Return the bytes of an ID3 tag with one frame for each entry, in the order given; empty for no entries.

    The names of `_TEXT_FRAMES` become their standard frames, "lyrics" an unsynchronised lyrics frame, "comment" an
    English comment, and every other name (engine, seed, ...) a user text frame with that description.
    """
    frames = b"".join(_frame(name, text) for name, text in tags.items())
    return b"ID3\x04\x00\x00" + _synchsafe(len(frames)) + frames if frames else b""


def _frame(name: str, text: str) -> bytes:
    kind, body = _content(name, text.replace("\0", ""))
    return kind.encode("ascii") + _synchsafe(len(body)) + _NO_FLAGS + body


def _content(name: str, text: str) -> tuple[str, bytes]:
    if name == "lyrics":
        return "USLT", _UTF8 + b"und" + b"\0" + text.encode()
    if name == "comment":
        return "COMM", _UTF8 + b"eng" + b"\0" + text.encode()
    if name in _TEXT_FRAMES:
        return _TEXT_FRAMES[name], _UTF8 + text.encode()
    return "TXXX", _UTF8 + name.encode() + b"\0" + text.encode()


def _synchsafe(number: int) -> bytes:
    """Return a number below 2^28 as four bytes whose highest bits are zero, so that no byte looks like an MP3 frame's
    sync word.
    """
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
