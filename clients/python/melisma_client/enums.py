"""Enumerations of the API's values in requests."""

from enum import StrEnum


class StemKind(StrEnum):
    """Group of tracks in the mix of a song, such as drums; `VOCAL` is the lead line, sung or played."""

    VOCAL = "vocal"
    HARMONY = "harmony"
    DRUMS = "drums"
    BASS = "bass"
    ORNAMENTS = "ornaments"


class VoiceKind(StrEnum):
    """Kind of the voice that sings the lyrics."""

    FEMALE = "female"
    MALE = "male"


class TrackKind(StrEnum):
    """Track of a recording, such as drums or bass, that an engine can extract or add."""

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


class GenerationMode(StrEnum):
    """Mode of denoising: the whole song at once, or section by section."""

    WHOLE = "whole"
    SECTIONED = "sectioned"


class Sampler(StrEnum):
    """Sampler (ODE solver) of the denoising steps."""

    EULER = "euler"
    HEUN = "heun"
    PINGPONG = "pingpong"


def constant_name(prefix: str, choice: StrEnum | None) -> str:
    """Return the name of the protobuf enum constant for a choice: `prefix` and the choice's name; UNSPECIFIED for
    `None`.
    """
    return f"{prefix}_{'UNSPECIFIED' if choice is None else choice.name}"
