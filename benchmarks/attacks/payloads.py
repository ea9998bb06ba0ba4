"""Builds hostile requests as bytes: small to send, expensive to parse."""

import json
import random
import struct
from collections.abc import Iterator

from melisma.v1 import music_pb2

_PROMPT = music_pb2.GenerateRequest(prompt="pop").SerializeToString()
_FIELD_1_BYTES, _FIELD_12_BYTES, _FIELD_13_BYTES, _FIELD_100_NUMBER = b"\x0a", b"\x62", b"\x6a", b"\xa0\x06"


def empty_notes(size: int) -> bytes:
    """Make a GenerateRequest of about `size` bytes whose anchor (the given melody) consists of empty notes."""
    notes = b"\x0a\x00" * (size // 2)
    return _PROMPT + _framed(_FIELD_12_BYTES, _framed(_FIELD_1_BYTES, notes))


def many_stems(size: int) -> bytes:
    """Make a GenerateRequest that names the same stem `size` times, in packed encoding."""
    return _PROMPT + _framed(_FIELD_13_BYTES, b"\x01" * size)


def unknown_fields(size: int) -> bytes:
    """Make a GenerateRequest of about `size` bytes that repeats an unknown field."""
    return _PROMPT + (_FIELD_100_NUMBER + b"\x01") * (size // 3)


def nested_unknown(depth: int) -> bytes:
    """Make a GenerateRequest with unknown messages that are nested `depth` deep."""
    inner = b""
    for _ in range(depth):
        inner = _framed(b"\xa2\x06", inner)
    return _PROMPT + inner


def json_notes(size: int) -> bytes:
    """Make a JSON body of about `size` bytes whose anchor (the given melody) consists of empty objects."""
    return b'{"prompt":"pop","anchor":{"notes":{"notes":[' + b",".join([b"{}"] * (size // 3)) + b"]}}}"


def json_unknown(count: int) -> bytes:
    """Make a JSON body with `count` unknown fields."""
    return ("{" + ",".join(f'"f{number}":1' for number in range(count)) + "}").encode()


def json_nested(depth: int) -> bytes:
    """Make a JSON body with lists that are nested `depth` deep."""
    return b'{"prompt":' + b"[" * depth + b"]" * depth + b"}"


def json_escapes(size: int) -> bytes:
    """Make a JSON body of about `size` bytes with one string of escaped characters."""
    return b'{"prompt":"' + b"\\u00e9" * (size // 6) + b'"}'


def json_number(digits: int) -> bytes:
    """Make a JSON body with an integer of this number of digits."""
    return b'{"prompt":"x","seed":1' + b"0" * digits + b"}"


def json_base64(size: int) -> bytes:
    """Make a JSON body whose recording has `size` bytes that are not sound."""
    return json.dumps({"prompt": "x", "audio_to_audio": {"audio": "A" * (size // 3 * 4)}}).encode()


def midi_without_notes(size: int) -> bytes:
    """Make a MIDI file of about `size` bytes that has only percussion notes, and so no melody."""
    events = b"".join(bytes((1, 0x99, 36 + number % 12, 100)) for number in range((size - 40) // 4))
    track = events + b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track)) + track


def midi_of_chords(size: int) -> bytes:
    """Make a MIDI file of about `size` bytes with notes that all sound at once."""
    events = b"".join(bytes((1, 0x90 + number % 9, 36 + number % 60, 100)) for number in range((size - 40) // 4))
    track = events + b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track)) + track


def with_midi(data: bytes) -> bytes:
    """Make a GenerateRequest whose anchor (the given melody) is the MIDI file `data`."""
    anchor = music_pb2.Anchor(midi=data)
    return music_pb2.GenerateRequest(prompt="pop", anchor=anchor, duration_seconds=10).SerializeToString()


def with_lyrics(lyrics: str) -> bytes:
    """Make a GenerateRequest with the lyrics `lyrics`."""
    return music_pb2.GenerateRequest(prompt="pop", lyrics=lyrics).SerializeToString()


def hostile_lyrics() -> Iterator[tuple[str, str]]:
    """Yield pairs of a name and lyrics; the lyrics take long to parse or to convert to syllables."""
    chance = random.Random(1)
    yield "100 lines of 99 nines", "\n".join(["9" * 99] * 100)
    yield "100 different numbers", "\n".join(str(chance.randrange(10**98, 10**99)) for _ in range(100))
    yield "1e9, again and again", "1e9" * 3333
    yield "9%, again and again", "9%" * 5000
    yield "1., again and again", "1." * 5000
    yield "1,000, again and again", "1,000" * 2000


def _framed(tag: bytes, content: bytes) -> bytes:
    return tag + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes((low | 0x80,)) + _varint(rest) if rest else bytes((low,))
