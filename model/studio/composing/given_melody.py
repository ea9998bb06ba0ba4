"""Places the caller's melody (the anchor) in a section."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.section_spec import SectionSpec
from model.studio.notation.score import Note


def given_notes(spec: SectionSpec) -> list[Note]:
    """Return the notes of the caller's melody (the anchor) in C major / A minor, up to the end of the section.

    A note held into a line with too little room for its syllables is divided at the start of that line.
    """
    home = (Note(note.start, note.length, note.pitch - spec.transpose) for note in spec.anchor)
    notes = [replace(note, length=min(note.end, spec.steps) - note.start) for note in home if note.start < spec.steps]
    for (start, stop), tones in zip(spec.line_spans(), spec.lines, strict=True):
        held = next((note for note in notes if note.start < start < note.end), None)
        if held and stop - held.end < len(tones):
            place = notes.index(held)
            again = Note(start, held.end - start, held.pitch)
            notes[place : place + 1] = [replace(held, length=start - held.start), again]
    return notes


def given_steps(spec: SectionSpec) -> NDArray[np.bool_]:
    """Return a mask [steps] of the steps that the caller's melody fixes: all steps up to its end, except rests in a
    line that has too few other steps for its syllables.
    """
    notes = given_notes(spec)
    given = np.arange(spec.steps) < spec.anchor_end
    for (start, stop), tones in zip(spec.line_spans(), spec.lines, strict=True):
        own = sum(min(note.end, stop) - note.start for note in notes if start <= note.start < stop)
        if own + max(stop - max(spec.anchor_end, start), 0) < len(tones):
            ends = [min(note.end, stop) for note in notes if note.start < stop and note.end > start]
            given[max(ends, default=start) : stop] = False
    return given
