"""Divides the sung melody of a section between the two voices of a duet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from model.song import LyricLine, Voice
from model.studio.notation.score import Note, Score
from model.studio.voice.phrasing import SungNote
from model.studio.voice.vocalist import SEMITONES, Singer


class Share(Enum):
    """The singers of a syllable: the main voice of the song, the other voice, or both, an octave apart."""

    OWN = "own"
    OTHER = "other"
    BOTH = "both"


def share_of(line: LyricLine, own: Voice) -> Share:
    """Return the singers of a line (main voice, other voice or both) in a song whose main voice is `own`."""
    if not line.voices or line.voices == (own,):
        return Share.OWN
    return Share.BOTH if own in line.voices else Share.OTHER


def other_semitones(own: Voice) -> int:
    """Return the interval in semitones from the pitches of the voice `own` to those of the other voice of a duet."""
    return next(semitones for voice, semitones in SEMITONES.items() if voice is not own) - SEMITONES[own]


def divided(
    lead: Sequence[SungNote], notes: Sequence[Note], shares: Sequence[Share], semitones: int
) -> dict[Singer, tuple[SungNote, ...]]:
    """Divide the sung melody `lead` of a section between the two voices of a duet; the other voice sings `semitones`
    higher than the main voice.

    `notes` are the melody's notes in the score, `shares` has one entry for each syllable. The result has no entry for a
    voice that sings nothing.
    """
    own: list[SungNote] = []
    other: list[SungNote] = []
    for sung, share in zip(lead, _of_notes(notes, shares), strict=True):
        own += [sung] if share is not Share.OTHER else []
        other += [replace(sung, pitch=sung.pitch + semitones)] if share is not Share.OWN else []
    parts = {Singer.LEAD: tuple(own), Singer.SECOND: tuple(other)}
    return {singer: part for singer, part in parts.items() if part}


def as_sung(score: Score, shares: Sequence[Share], semitones: int) -> Score:
    """Return the score at sung pitch: notes that only the other voice of the duet sings are transposed by `semitones`.
    `shares` holds the singers of each syllable.
    """
    melody = tuple(
        replace(note, pitch=note.pitch + semitones) if share is Share.OTHER else note
        for note, share in zip(score.melody, _of_notes(score.melody, shares), strict=True)
    )
    return replace(score, melody=melody)


def whole_tune(vocals: Mapping[Singer, Sequence[SungNote]]) -> tuple[SungNote, ...]:
    """Return the sung notes of the lead voice and the second voice of a section in order of time; a note that both
    voices sing occurs once.
    """
    notes = (*vocals.get(Singer.SECOND, ()), *vocals.get(Singer.LEAD, ()))
    return tuple(sorted({note.start: note for note in notes}.values(), key=lambda note: note.start))


def _of_notes(notes: Sequence[Note], shares: Sequence[Share]) -> Iterator[Share]:
    """Yield, for each note, who sings it: the main voice, the other voice or both. `shares` holds the singers of each
    syllable; a note without a syllable of its own has the singers of the previous note.
    """
    share = Share.OWN
    for note in notes:
        share = share if note.syllable is None else shares[note.syllable]
        yield share
