"""Statistics of how well words and melody fit together: intervals and lexical tones, syllable lengths at line ends, and
the range of pitches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from model.studio.composing.decisions.pitches import tone_direction
from model.studio.notation.score import Note


@dataclass(frozen=True, slots=True)
class ToneMove:
    """An interval between two syllables whose lexical tones suggest a direction of the melody: `wished` is 1 (up) or -1
    (down), `rise` the interval in semitones.
    """

    wished: int
    rise: int

    @property
    def agrees(self) -> bool:
        """True if the melody moves in the direction that the lexical tones suggest."""
        return self.wished * self.rise > 0


@dataclass(frozen=True, slots=True)
class LineEnding:
    """Lengths at the end of a line in steps (sixteenths): that of the last syllable, and the mean of all syllables of
    the line.
    """

    last: int
    mean: float


def tone_moves(melody: Sequence[Note], lines: Sequence[Sequence[int]]) -> Iterator[ToneMove]:
    """Yield every interval between syllables of a line whose lexical tones, given in `lines`, suggest a direction. The
    interval goes from the last note of a syllable to the first note of the next.
    """
    for tones, syllables in zip(lines, _sung_lines(melody, lines), strict=True):
        for before, after, first, second in zip(tones, tones[1:], syllables, syllables[1:], strict=False):
            wished = tone_direction(before, after)
            if wished != 0:
                yield ToneMove(int(wished), second[0].pitch - first[-1].pitch)


def line_endings(melody: Sequence[Note], lines: Sequence[Sequence[int]]) -> Iterator[LineEnding]:
    """Yield the lengths at the end of each line that has more than one syllable; `lines` are the lexical tones of each
    line's syllables.
    """
    for syllables in _sung_lines(melody, lines):
        lengths = [notes[-1].end - notes[0].start for notes in syllables]
        if len(lengths) > 1:
            yield LineEnding(lengths[-1], float(np.mean(lengths)))


def register(melodies: Sequence[Sequence[Note]]) -> dict[str, float]:
    """Return the mean, the lowest and the highest MIDI pitch of several melodies."""
    pitches = [note.pitch for melody in melodies for note in melody]
    return {"mean": float(np.mean(pitches)), "lowest": min(pitches), "highest": max(pitches)}


def _sung_lines(melody: Sequence[Note], lines: Sequence[Sequence[int]]) -> Iterator[list[list[Note]]]:
    """Yield, for each line, the notes of each of its syllables; `lines` are the lexical tones of each line's syllables.
    A note without a syllable of its own prolongs the syllable before it.
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
