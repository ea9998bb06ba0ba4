"""The written music of one section: melody and chords on a grid of sixteenth notes.

Every room of the studio engine speaks in these values: the denoiser writes a `Score`, the arranger expands it.
"""

from dataclasses import dataclass
from enum import IntEnum

STEPS_PER_BEAT = 4
BEATS_PER_BAR = 4
STEPS_PER_BAR = STEPS_PER_BEAT * BEATS_PER_BAR


class Quality(IntEnum):
    """The third and fifth of a triad."""

    MAJOR = 0
    MINOR = 1
    DIMINISHED = 2


_INTERVALS = {Quality.MAJOR: (0, 4, 7), Quality.MINOR: (0, 3, 7), Quality.DIMINISHED: (0, 3, 6)}


@dataclass(frozen=True, slots=True)
class Chord:
    """A triad; `root` is a pitch class, 0 (C) to 11 (B)."""

    root: int
    quality: Quality

    @property
    def pitch_classes(self) -> tuple[int, int, int]:
        """Root, third and fifth as pitch classes."""
        first, third, fifth = _INTERVALS[self.quality]
        return ((self.root + first) % 12, (self.root + third) % 12, (self.root + fifth) % 12)

    def transposed(self, semitones: int) -> "Chord":
        """The same chord, `semitones` higher."""
        return Chord((self.root + semitones) % 12, self.quality)


@dataclass(frozen=True, slots=True)
class Note:
    """One melody note; `start` and `length` in steps from the start of its section, `pitch` in MIDI numbers.

    `syllable` is the index of the sung syllable in the section's lyrics, counted over all its lines; `None` where
    no syllable begins (instrumental melody, or a melisma that prolongs the syllable before).
    """

    start: int
    length: int
    pitch: int
    syllable: int | None = None

    @property
    def end(self) -> int:
        """The first step after the note."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Score:
    """Melody and chords of one section at sounding pitch.

    `melody` is sorted by start and never overlaps itself; `chords` holds one entry per beat (`bars * BEATS_PER_BAR`).
    """

    bars: int
    melody: tuple[Note, ...]
    chords: tuple[Chord, ...]

    @property
    def steps(self) -> int:
        """Length of the section in steps."""
        return self.bars * STEPS_PER_BAR

    def transposed(self, semitones: int) -> "Score":
        """The same music, `semitones` higher."""
        melody = tuple(Note(n.start, n.length, n.pitch + semitones, n.syllable) for n in self.melody)
        return Score(self.bars, melody, tuple(chord.transposed(semitones) for chord in self.chords))
