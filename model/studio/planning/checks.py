"""Checks the parameters of a requested song against the controls and ranges of the studio engine."""

import math
from collections.abc import Iterator

from model.engine import EngineInfo
from model.shared.controls import check_controls
from model.shared.languages import language_among
from model.song import AnchorNote, InvalidParams, SongParams, Violation

LOWEST_ANCHOR_PITCH = 36
HIGHEST_ANCHOR_PITCH = 96


def check_params(params: SongParams, info: EngineInfo, tempo_range_bpm: tuple[float, float]) -> None:
    """Raise an error if a request uses a control that the studio engine does not support, or a number outside its
    range.

    Ranges include their limits.

    Raises:
        InvalidParams: a control is not supported or a number is out of its range; the error lists all faults.
    """
    check_controls(params, info.name, info.controls)
    numbers = (
        ("duration_seconds", params.duration_seconds, info.duration_seconds),
        ("steps", params.steps, info.steps),
        ("guidance_scale", params.guidance_scale, info.guidance_scale),
        ("tempo_bpm", params.tempo_bpm, tempo_range_bpm),
    )
    violations = [
        Violation(field, f"{value:g} is outside {low:g} to {high:g}, the range of engine 'studio': use a value in it")
        for field, value, limits in numbers
        if value is not None and limits is not None
        for low, high in [limits]
        if not low <= value <= high
    ]
    violations += _anchor_violations(params.anchor)
    violations += _language_violations(params.language, info.languages)
    if violations:
        raise InvalidParams(*violations)


def _language_violations(language: str | None, languages: tuple[str, ...]) -> Iterator[Violation]:
    if language is not None and language_among(language, languages) is None:
        yield Violation("language", f"{language!r} cannot be sung: use one of {', '.join(languages)}")


def _anchor_violations(notes: tuple[AnchorNote, ...]) -> Iterator[Violation]:
    for n, note in enumerate(notes):
        if note.pitch is not None and not LOWEST_ANCHOR_PITCH <= note.pitch <= HIGHEST_ANCHOR_PITCH:
            low, high = LOWEST_ANCHOR_PITCH, HIGHEST_ANCHOR_PITCH
            yield Violation("anchor", f"note {n} has the pitch {note.pitch}, which must be {low} to {high}")
        if not (note.length_beats > 0 and math.isfinite(note.length_beats)):
            yield Violation("anchor", f"note {n} has a length of {note.length_beats:g} beats, which must be above 0")
    if notes and all(note.pitch is None for note in notes):
        yield Violation("anchor", "has only rests: add at least one note")
