"""Enumerations of the API, with values for requests."""

from enum import StrEnum


class StemKind(StrEnum):
    """Group of tracks in the mix, such as drums; `VOCAL` is the lead line, sung or played."""

    VOCAL = "vocal"
    HARMONY = "harmony"
    DRUMS = "drums"
    BASS = "bass"
    ORNAMENTS = "ornaments"


class VoiceKind(StrEnum):
    """The voice that sings the lyrics."""

    FEMALE = "female"
    MALE = "male"


class TrackKind(StrEnum):
    """A track of a recording, such as drums or bass, that an engine extracts or adds."""

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
    """Return the name of a protobuf enum value, with its `prefix`; `None` is UNSPECIFIED."""
    return f"{prefix}_{'UNSPECIFIED' if choice is None else choice.name}"
