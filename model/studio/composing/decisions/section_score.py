"""Converts the token classes of a section to its written score, in which each syllable is assigned to a note."""

from collections.abc import Sequence
from dataclasses import replace

from model.studio.composing.decisions.colours import coloured
from model.studio.composing.given_melody import given_notes, given_steps
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.tokens import Classes, notes_of
from model.studio.notation.score import Note, Score


def to_score(spec: SectionSpec, melody: Classes, chords: Classes) -> Score:
    """Return the score of a section, at sounding pitch, from its melody classes [steps] and chord classes [beats]. The
    caller's melody is kept exactly, and each syllable is assigned to one note.
    """
    given = given_steps(spec)
    notes = [*given_notes(spec), *(note for note in notes_of(melody) if not given[note.start])]
    notes = sorted(notes, key=lambda note: note.start)
    sung = notes if spec.played else with_syllables(notes, spec)
    colours = coloured(spec, chords.tolist(), sung)
    return Score(spec.bars, tuple(sung), colours, spec.beats_per_bar).transposed(spec.transpose)


def with_syllables(notes: Sequence[Note], spec: SectionSpec) -> list[Note]:
    """Return the notes of a section, each with the index of the syllable that begins on it.

    If the caller's melody has too few notes for the syllables, its longest notes are divided first, and then notes are
    added in its rests.
    """
    out: list[Note] = [note for note in notes if note.start >= sum(spec.line_bars) * spec.steps_per_bar]
    first = 0
    for (start, stop), tones in zip(spec.line_spans(), spec.lines, strict=True):
        own = _divided([note for note in notes if start <= note.start < stop], len(tones))
        own = _filled(own, len(tones), range(max((n.end for n in out if n.start < start), default=start), stop))
        out += [replace(n, syllable=first + i if i < len(tones) else None) for i, n in enumerate(own)]
        first += len(tones)
    return sorted(out, key=lambda note: note.start)


def _divided(notes: list[Note], count: int) -> list[Note]:
    while 0 < len(notes) < count:
        longest = max(range(len(notes)), key=lambda index: notes[index].length)
        note = notes[longest]
        if note.length < 2:
            break
        half = note.length // 2
        notes[longest : longest + 1] = [
            replace(note, length=note.length - half),
            replace(note, start=note.end - half, length=half),
        ]
    return notes


def _filled(notes: list[Note], count: int, steps: range) -> list[Note]:
    """Return the notes with short ones added until there are `count` notes. Added notes lie on the last free steps of
    `steps` and have the pitch of the nearest note.
    """
    taken = {step for note in notes for step in range(note.start, note.end)}
    free = [step for step in steps if step not in taken]
    missing = max(count - len(notes), 0) if notes else 0
    nearest = [min(notes, key=lambda note: abs(note.start - step)) for step in free[len(free) - missing :]]
    added = [Note(step, 1, note.pitch) for step, note in zip(free[len(free) - missing :], nearest, strict=True)]
    return sorted([*notes, *added], key=lambda note: note.start)
