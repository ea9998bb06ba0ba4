"""Tasks: the ways to make a song from a recording or an earlier song. The module imports no other module of `model`."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Track(StrEnum):
    """A track of a recording, such as drums or bass, that an engine can extract or add."""

    WOODWINDS = "woodwinds"
    BRASS = "brass"
    FX = "fx"
    SYNTH = "synth"
    STRINGS = "strings"
    PERCUSSION = "percussion"
    KEYBOARD = "keyboard"
    GUITAR = "guitar"
    BASS = "bass"
    DRUMS = "drums"
    BACKING_VOCALS = "backing_vocals"
    VOCALS = "vocals"


@dataclass(frozen=True, slots=True)
class AudioToAudio:
    """Task: generate a new song that resembles a recording; `strength`, 0 to 1, is the influence of the recording."""

    audio: bytes = field(repr=False)
    strength: float = 0.5


@dataclass(frozen=True, slots=True)
class Retake:
    """Task: a variation of the song that results from the request's seed; `variance`, 0 to 1, is the amount of
    difference, and `seed` the random seed of the variation, `None` for one derived from the request's seed.
    """

    seed: int | None = None
    variance: float = 0.5


@dataclass(frozen=True, slots=True)
class Repaint:
    """Task: generate the part of a recording between two times anew; `variance`, 0 to 1, is the amount of difference,
    and `seed` the random seed of the new part, `None` for one derived from the request's seed.
    """

    audio: bytes = field(repr=False)
    start_seconds: float = 0.0
    end_seconds: float = 0.0
    variance: float = 0.5
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Extend:
    """Task: extend a recording by new music: `left_seconds` before its beginning, `right_seconds` after its end. `seed`
    is the random seed of the new music, `None` for one derived from the request's seed.
    """

    audio: bytes = field(repr=False)
    left_seconds: float = 0.0
    right_seconds: float = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Task: transform a recording into a song with other lyrics or in another style, given by `prompt` and `lyrics`.

    The request's own prompt and lyrics describe the recording. The song is transformed in the steps between `start` and
    `end`, shares of all steps from 0 to 1; after `end` the recording has no influence. Each step averages over
    `averages` noises, drawn with `seed`.
    """

    audio: bytes = field(repr=False)
    prompt: str = ""
    lyrics: str = ""
    start: float = 0.0
    end: float = 1.0
    averages: int = 1
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class ExtractTrack:
    """Task: generate one track of a recording anew, without the other tracks."""

    audio: bytes = field(repr=False)
    track: Track = Track.VOCALS


@dataclass(frozen=True, slots=True)
class Lego:
    """Task: add one track to a recording between two times; if `end_seconds` is 0, to the end of the recording."""

    audio: bytes = field(repr=False)
    track: Track = Track.VOCALS
    start_seconds: float = 0.0
    end_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Complete:
    """Task: add tracks to a recording; if `tracks` is empty, the model chooses the tracks."""

    audio: bytes = field(repr=False)
    tracks: tuple[Track, ...] = ()


Task: TypeAlias = AudioToAudio | Retake | Repaint | Extend | Edit | ExtractTrack | Lego | Complete
"""The task of a request that does not ask for a new song. If a task's seed is `None`, it is derived from the song's
seed.
"""
