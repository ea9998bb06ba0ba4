"""Composes the part of an instrument that plays the melody: legato, with a crescendo to the middle of each phrase."""

from collections.abc import Sequence

from model.studio.arrange.context import ArrangementContext
from model.studio.arrange.tablature import Stroke
from model.studio.notation.score import Note

_LEGATO_GAP_STEPS = 2
_PHRASE_GAP_STEPS = 3
_OVERLAP_STEPS = 0.1


def lead(context: ArrangementContext) -> list[Stroke]:
    """Return the notes of the melody that nobody sings, as played at their written pitches.

    The notes of a phrase are played legato; their loudness rises to the middle of the phrase and falls again.
    """
    strokes: list[Stroke] = []
    melody = played_notes(context.score.melody) if context.sung else context.score.melody
    for phrase in phrases(melody):
        top = max(note.pitch for note in phrase)
        for i, note in enumerate(phrase):
            end = _bound_end(context, note, phrase[i + 1] if i + 1 < len(phrase) else None)
            weight = _weight(note, context.weight_at(note.start), i / max(1, len(phrase) - 1), top)
            strokes.append(Stroke(note.start, end - note.start, note.pitch, weight))
    return strokes


def sung_notes(melody: Sequence[Note]) -> tuple[Note, ...]:
    """Return the melody notes that are sung: those with a syllable, and those that prolong a syllable."""
    sung: list[Note] = []
    for note in melody:
        if note.syllable is not None or (sung and sung[-1].end == note.start):
            sung.append(note)
    return tuple(sung)


def played_notes(melody: Sequence[Note]) -> tuple[Note, ...]:
    """Return the melody notes that nobody sings, which an instrument plays."""
    sung = set(sung_notes(melody))
    return tuple(note for note in melody if note not in sung)


def phrases(melody: Sequence[Note]) -> list[list[Note]]:
    """Return the notes of the melody divided into phrases; a rest of at least three steps (sixteenth notes) ends a
    phrase.
    """
    groups: list[list[Note]] = []
    for note in melody:
        if groups and note.start - groups[-1][-1].end < _PHRASE_GAP_STEPS:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _bound_end(context: ArrangementContext, note: Note, following: Note | None) -> float:
    if following is not None and following.start - note.end <= _LEGATO_GAP_STEPS:
        return following.start + (_OVERLAP_STEPS if following.pitch != note.pitch else -_OVERLAP_STEPS)
    if context.ends_song and following is None and note is context.score.melody[-1]:
        return context.score.steps
    return note.end


def _weight(note: Note, metric: float, place: float, top: int) -> float:
    """Return the velocity factor of a melody note, 1.0 being usual: greater towards the middle and the highest note of
    the phrase, on strong beats, and for long notes.

    `metric` is the velocity factor of the note's position in the bar, `place` its position in the phrase, from 0 (first
    note) to 1 (last note); `top` is the highest pitch of the phrase.
    """
    arc = 0.94 + 0.10 * (1 - (2 * place - 1) ** 2)
    height = max(-0.06, -0.008 * (top - note.pitch))
    length = 0.03 if note.length >= 4 else 0.0
    return arc * (0.6 + 0.4 * metric) + height + length
