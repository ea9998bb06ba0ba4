"""Generates hostile texts and recordings, and lyrics that can be sung."""

import io
import math
import random
import struct
from functools import cache

import numpy as np
import soundfile

GOOD_PROMPTS = ("slow piano", "melodic pop, upbeat", "摇滚，激昂", "jazz, brushed drums", "lo-fi", "民谣 吉他")
GOOD_LINES = ("春天来醒花就开", "我要飞向那片海", "the river runs to the sea", "月亮代表我的心", "sing with me tonight")
TAGS = (
    "[verse]",
    "[chorus]",
    "[bridge]",
    "[intro]",
    "[Verse 2]",
    "[outro]",
    "[",
    "[]",
    "[chorus",
    "[[verse]]",
    "【副歌】",
)
MAX_REPEATS = 12_000
RATES = (0, 1, 7_999, 8_000, 11_027, 44_100, 44_101, 192_000, 2**31 - 1)

_NUMERALS = ("9", "0", "1e9", "9%", "1.", "1,000", "$9", "9:", "-1", "٣", "９", "一百", "½", "²", "0x", "1/2", "第9")
_SIGNS = (
    "a",
    " ",
    "\n",
    "\t",
    "\0",
    "啊",
    "𝄞",
    "\u200d",
    "\u202e",
    "e\u0301",
    "\u0301",
    "👩‍👩‍👧",
    "\ufeff",
    "\x7f",
    "'",
    '"',
    "\\",
    "(",
    "：",
)
_MARKUP = (
    "[chorus](x99)",
    "(x2)",
    "男：",
    "[female]",
    "<b>",
    "</p>",
    "&amp;",
    "**",
    "[00:01.00]",
    "1\n00:00:01 --> 00:00:02\n",
    "{",
    "行(háng)",
    "行[hang2]",
    "# ",
    "[Am]",
    "|C|G|",
)
_WORDS = (
    "don't",
    "ﬁ",
    "readin'",
    "looooove",
    "xzqwrt",
    "zhōng",
    "ni3",
    "Straße",
    "привет",
    "ありがとう",
    "안녕",
    "नमस्ते",
)


def text(chance: random.Random) -> str:
    """Return a random text of up to some thousand characters: one unit repeated, or many mixed."""
    kind = chance.randrange(6)
    if kind == 0:
        return repeated(chance, "9")
    if kind == 1:
        return repeated(chance, chance.choice(_NUMERALS))
    if kind == 2:
        return repeated(chance, chance.choice((*_SIGNS, *_MARKUP, *_WORDS)))
    if kind == 3:
        return "\n".join(_mixed(chance, 12) for _ in range(_count(chance, 400)))
    if kind == 4:
        return "".join(chr(_character(chance)) for _ in range(_count(chance, 2_000)))
    return good_lyrics(chance) + "\n" + _mixed(chance, 60)


def repeated(chance: random.Random, unit: str) -> str:
    """Return the unit repeated very often, in one line or in lines of some length, with something before and after
    it.
    """
    times = max(1, _count(chance, MAX_REPEATS) // len(unit))
    whole = (
        chance.choice(("", "", "$", "爱", "[verse]\n")) + unit * times + chance.choice(("", "", "%", "年", "\n[outro]"))
    )
    if chance.random() < 0.3:
        width = chance.choice((1, 7, 99))
        whole = "\n".join(whole[start : start + width] for start in range(0, len(whole), width))
    return whole


def good_lyrics(chance: random.Random) -> str:
    """Return one to four lines that every engine can sing, under a tag."""
    return "[verse]\n" + "\n".join(chance.choice(GOOD_LINES) for _ in range(chance.randint(1, 4)))


def midi(chance: random.Random) -> bytes:
    """Return a random MIDI file: valid, with unusual numbers, or cut."""
    shapes = (0x90, 0x80, 0x99, 0xB0, 0xC0, 0xE0, 0xF0, 0xFF)
    events = bytearray()
    for _ in range(_count(chance, 4_000)):
        delta = chance.choice((b"\x00", b"\x10", b"\x60", b"\xff\xff\xff\x7f", b"\x81\x00"))
        events += delta + bytes(
            (chance.choice(shapes[:2] if chance.random() < 0.9 else shapes), chance.randrange(128), 64)
        )
    track = bytes(events) + b"\x00\xff\x2f\x00"
    ticks = chance.choice((96, 480, 1, 0, 0x8000, 0xE728))
    head = b"MThd" + struct.pack(">IHHH", 6, chance.choice((0, 1, 2, 9)), chance.choice((1, 0, 65_535)), ticks)
    return damaged(chance, head + b"MTrk" + struct.pack(">I", len(track)) + track)


def recording(chance: random.Random) -> bytes:
    """Return a short recording in one of several formats: valid, with unusual numbers in its header, damaged, or
    cut.
    """
    if chance.random() < 0.3:
        return _made_up_wav(chance)
    kind = chance.choice(("WAV", "FLAC", "OGG", "MP3", "AIFF", "AU"))
    peak = chance.choice((0.5, math.nan, math.inf, 3e38, 16.0)) if kind == "WAV" else 0.5
    return damaged(chance, _recorded(kind, peak))


@cache
def _recorded(kind: str, peak: float) -> bytes:
    """Return a sound file in the format `kind`, such as "WAV", with a second of silence in which one sample has the
    value `peak`; full scale is 1.
    """
    sound = np.zeros((8_000, 2), np.float32)
    sound[4_000] = peak
    file = io.BytesIO()
    soundfile.write(file, sound, 8_000, format=kind, subtype="FLOAT" if kind == "WAV" else None)
    return file.getvalue()


def damaged(chance: random.Random, data: bytes) -> bytes:
    """Return the bytes unchanged, cut, with some bytes changed, with a part repeated, or with other bytes appended."""
    kind = chance.randrange(8)
    if not data or kind >= 5:
        return data
    where = chance.randrange(len(data))
    if kind == 0:
        return data[:where]
    if kind == 1:
        return data + chance.randbytes(chance.randrange(1, 64))
    if kind == 2:
        return data[:where] + data[max(0, where - 64) :]
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(changed)


def _made_up_wav(chance: random.Random) -> bytes:
    body = bytes(chance.choice((0, 1, 44, 20_000)))
    channels, bits = chance.choice((0, 1, 2, 3, 65_535)), chance.choice((0, 8, 16, 24, 32, 255))
    form = struct.pack("<HHIIHH", chance.choice((1, 3, 7, 0xFFFE)), channels, chance.choice(RATES), 0, 4, bits)
    said = chance.choice((len(body), 0, 2**32 - 1))
    return (
        b"RIFF"
        + struct.pack("<I", said)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", said)
        + body
    )


def _mixed(chance: random.Random, most: int) -> str:
    kinds = (_NUMERALS, _SIGNS, _MARKUP, _WORDS, TAGS, GOOD_LINES)
    return "".join(chance.choice(chance.choice(kinds)) for _ in range(chance.randint(0, most)))


def _count(chance: random.Random, most: int) -> int:
    """Return a random number from 0 to `most`: often small, and often exactly `most`."""
    return most if chance.random() < 0.2 else int(most ** chance.random())


def _character(chance: random.Random) -> int:
    while 0xD800 <= (point := chance.randrange(0x110000 if chance.random() < 0.3 else 0x10000)) <= 0xDFFF:
        pass
    return point
