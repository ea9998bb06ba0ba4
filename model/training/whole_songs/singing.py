"""Statistics of how well words and melody fit together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from model.studio.composing.decisions.pitches import tone_direction
from model.studio.notation.score import Note


@dataclass(frozen=True, slots=True)
class ToneMove:
    """An interval between two syllables whose lexical tones ask for a direction: `wished` is 1 (up) or -1 (down),
    `rise` the interval in semitones.
    """

    wished: int
    rise: int

    @property
    def agrees(self) -> bool:
        """True if the melody moves in the direction of the tones."""
        return self.wished * self.rise > 0


@dataclass(frozen=True, slots=True)
class LineEnding:
    """The number of steps for which the last syllable of a line is held, and the mean of all its syllables."""

    last: int
    mean: float


def tone_moves(melody: Sequence[Note], lines: Sequence[Sequence[int]]) -> Iterator[ToneMove]:
    """Yield every interval inside a line whose direction the lexical tones in `lines` determine; a melisma counts with
    its last pitch.
    """
    for tones, syllables in zip(lines, _sung_lines(melody, lines), strict=True):
        for before, after, first, second in zip(tones, tones[1:], syllables, syllables[1:], strict=False):
            wished = tone_direction(before, after)
            if wished != 0:
                yield ToneMove(int(wished), second[0].pitch - first[-1].pitch)


def line_endings(melody: Sequence[Note], lines: Sequence[Sequence[int]]) -> Iterator[LineEnding]:
    """Yield the endings of all lines of more than one syllable."""
    for syllables in _sung_lines(melody, lines):
        lengths = [notes[-1].end - notes[0].start for notes in syllables]
        if len(lengths) > 1:
            yield LineEnding(lengths[-1], float(np.mean(lengths)))


def register(melodies: Sequence[Sequence[Note]]) -> dict[str, float]:
    """Return the mean, the lowest and the highest MIDI pitch of several melodies."""
    pitches = [note.pitch for melody in melodies for note in melody]
    return {"mean": float(np.mean(pitches)), "lowest": min(pitches), "highest": max(pitches)}


def _sung_lines(melody: Sequence[Note], lines: Sequence[Sequence[int]]) -> Iterator[list[list[Note]]]:
    """Yield for each line the notes of its syllables; a note without a syllable belongs to the syllable that it
    prolongs.
    """
    sung: list[list[Note]] = []
    for note in melody:
        if note.syllable is not None:
            sung.append([note])
        elif sung and sung[-1][-1].end == note.start:
            sung[-1].append(note)
    first = 0
    for tones in lines:
        yield sung[first : first + len(tones)]
        first += len(tones)
