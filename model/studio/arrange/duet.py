"""Divides the tune of a section between the two voices of a song."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from model.song import LyricLine, Voice
from model.studio.notation.score import Note, Score
from model.studio.voice.phrasing import SungNote
from model.studio.voice.vocalist import SEMITONES, Singer


class Share(Enum):
    """The singer of a syllable: the song's own voice, the other one, or both of them, an octave apart."""

    OWN = "own"
    OTHER = "other"
    BOTH = "both"


def share_of(line: LyricLine, own: Voice) -> Share:
    """Return the singer of a line of a song whose voice is `own`."""
    if not line.voices or line.voices == (own,):
        return Share.OWN
    return Share.BOTH if own in line.voices else Share.OTHER


def other_semitones(own: Voice) -> int:
    """Return the semitones from the pitches of the voice `own` to those of the other voice."""
    return next(semitones for voice, semitones in SEMITONES.items() if voice is not own) - SEMITONES[own]


def divided(
    lead: Sequence[SungNote], notes: Sequence[Note], shares: Sequence[Share], semitones: int
) -> dict[Singer, tuple[SungNote, ...]]:
    """Divide the sung melody `lead`, which has the notes `notes`, between both voices; the other voice sings
    `semitones` higher.

    `shares` has one entry for each syllable. A voice that sings nothing is left out.
    """
    own: list[SungNote] = []
    other: list[SungNote] = []
    for sung, share in zip(lead, _of_notes(notes, shares), strict=True):
        own += [sung] if share is not Share.OTHER else []
        other += [replace(sung, pitch=sung.pitch + semitones)] if share is not Share.OWN else []
    parts = {Singer.LEAD: tuple(own), Singer.SECOND: tuple(other)}
    return {singer: part for singer, part in parts.items() if part}


def as_sung(score: Score, shares: Sequence[Share], semitones: int) -> Score:
    """Return the score with the notes that only the other voice sings moved to its pitches."""
    melody = tuple(
        replace(note, pitch=note.pitch + semitones) if share is Share.OTHER else note
        for note, share in zip(score.melody, _of_notes(score.melody, shares), strict=True)
    )
    return replace(score, melody=melody)


def whole_tune(vocals: Mapping[Singer, Sequence[SungNote]]) -> tuple[SungNote, ...]:
    """Return the sung melody of a section in order of time; notes that both voices sing occur once."""
    notes = (*vocals.get(Singer.SECOND, ()), *vocals.get(Singer.LEAD, ()))
    return tuple(sorted({note.start: note for note in notes}.values(), key=lambda note: note.start))


def _of_notes(notes: Sequence[Note], shares: Sequence[Share]) -> Iterator[Share]:
    """Yield for each note who sings it (`Share`); a note without a syllable has the share of the note before."""
    share = Share.OWN
    for note in notes:
        share = share if note.syllable is None else shares[note.syllable]
        yield share
