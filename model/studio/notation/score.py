"""Data types for the score of one section: melody and chords on a grid of sixteenth notes.

All packages of the studio engine use these types: the denoiser composes a `Score`, and the arranger turns it into
parts.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

STEPS_PER_BEAT = 4
BEATS_PER_BAR = 4
"""Number of beats in a bar of common time, the metre of all songs except waltzes."""

WALTZ_BEATS_PER_BAR = 3
STEPS_PER_BAR = STEPS_PER_BEAT * BEATS_PER_BAR


class Quality(IntEnum):
    """The quality of a triad, such as major or minor, given by its third and fifth."""

    MAJOR = 0
    MINOR = 1
    DIMINISHED = 2


class Colour(StrEnum):
    """A tone added to a triad (sixth, seventh, ninth), or played in place of its third; the value is its suffix in a
    chord symbol.
    """

    PLAIN = ""
    SEVENTH = "7"
    MAJOR_SEVENTH = "maj7"
    SIXTH = "6"
    ADDED_NINTH = "add9"
    SUSPENDED_FOURTH = "sus4"
    SUSPENDED_SECOND = "sus2"


_ADDED = {Colour.SEVENTH: 10, Colour.MAJOR_SEVENTH: 11, Colour.SIXTH: 9, Colour.ADDED_NINTH: 2}
_SUSPENDED = {Colour.SUSPENDED_FOURTH: 5, Colour.SUSPENDED_SECOND: 2}

_INTERVALS = {Quality.MAJOR: (0, 4, 7), Quality.MINOR: (0, 3, 7), Quality.DIMINISHED: (0, 3, 6)}


@dataclass(frozen=True, slots=True)
class Chord:
    """A triad with its colour; `root` is its pitch class, 0 (C) to 11 (B), and `bass` the pitch class of its lowest
    note.

    `bass` is `None` if the root is the lowest note.
    """

    root: int
    quality: Quality
    colour: Colour = Colour.PLAIN
    bass: int | None = None

    @property
    def pitch_classes(self) -> tuple[int, int, int]:
        """Root, third (or the suspended tone in its place) and fifth as pitch classes."""
        first, third, fifth = _INTERVALS[self.quality]
        third = _SUSPENDED.get(self.colour, third)
        return ((self.root + first) % 12, (self.root + third) % 12, (self.root + fifth) % 12)

    @property
    def added(self) -> int | None:
        """The pitch class that is added to the triad, its sixth, seventh or ninth; `None` if there is none."""
        interval = _ADDED.get(self.colour)
        return None if interval is None else (self.root + interval) % 12

    @property
    def lowest(self) -> int:
        """The pitch class of the chord's lowest note: `bass` if it is given, otherwise the root."""
        return self.root if self.bass is None else self.bass

    @property
    def coloured(self) -> bool:
        """True if the chord is more than a triad in root position: it has a colour or another lowest note."""
        return self.colour is not Colour.PLAIN or self.bass is not None

    def transposed(self, semitones: int) -> "Chord":
        """Return the same chord transposed up by `semitones`."""
        bass = None if self.bass is None else (self.bass + semitones) % 12
        return Chord((self.root + semitones) % 12, self.quality, self.colour, bass)


@dataclass(frozen=True, slots=True)
class Note:
    """One melody note; `start` and `length` in steps (sixteenth notes) from the start of its section, `pitch` in MIDI
    numbers.

    `syllable` is the index of the sung syllable in the section's lyrics, counted over all its lines; `None` where no
    syllable begins (instrumental melody, or a melisma that prolongs the syllable before).
    """

    start: int
    length: int
    pitch: int
    syllable: int | None = None

    @property
    def end(self) -> int:
        """The step at which the note ends (the first step after it)."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Score:
    """Melody and chords of one section at sounding pitch.

    `melody` is sorted by start and never overlaps itself; `chords` holds one entry per beat (`bars * beats_per_bar`).
    """

    bars: int
    melody: tuple[Note, ...]
    chords: tuple[Chord, ...]
    beats_per_bar: int = BEATS_PER_BAR

    @property
    def steps_per_bar(self) -> int:
        """Length of a bar in steps (sixteenth notes)."""
        return self.beats_per_bar * STEPS_PER_BEAT

    @property
    def steps(self) -> int:
        """Length of the section in steps (sixteenth notes)."""
        return self.bars * self.steps_per_bar

    def transposed(self, semitones: int) -> "Score":
        """Return the same score with melody and chords transposed up by `semitones`."""
        melody = tuple(Note(n.start, n.length, n.pitch + semitones, n.syllable) for n in self.melody)
        return Score(self.bars, melody, tuple(chord.transposed(semitones) for chord in self.chords), self.beats_per_bar)
