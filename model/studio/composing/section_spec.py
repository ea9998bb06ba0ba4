"""Defines the specification of a section for the denoiser, and the memory of earlier sections that a section continues
or repeats.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from model.song import SectionKind
from model.studio.composing.motif import Motif
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT, Note
from model.studio.notation.stress import Stress

MAX_BARS = 16
"""Length in bars of the longest section that the network composes."""


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """Specification of one section for the denoiser, which composes its melody and chords.

    `lines` holds the lexical tones (1 to 5, 0 is none) of the syllables of each sung line, `line_bars` the number of
    bars of each line: lines follow each other from bar 0 on, and the remaining bars are instrumental. `transpose`
    counts semitones from C major / A minor to the sounding key. `density` is the number of notes per bar of an
    instrumental melody. `anchor` is the caller's melody at sounding pitch from step 0 on, which is kept exactly and
    continued. `motif` is the beginning of the caller's melody, which every later section varies. `final` is True for
    the last section of the song. If `played` is True, an instrument plays the melody of another section: the lines have
    notes but no words. `pentatonic` restricts the melody to the major scale without its fourth and seventh degree;
    `chord_pace` is a factor on the rate of chord changes. `genre` selects a `Profile` of melody and chords, `seed` is
    the seed of the song. The highest `headroom` semitones of the range stay free for a repetition in a higher key.
    `beats_per_bar` is 4, or 3 in a waltz.

    Optional values, one for each line: `words` identifies the line's text, and lines with equal words get one melody;
    `takes_up` is the index of the earlier line whose melody the line varies; `entries` is the number of steps from the
    line's first bar to its first note, below 0 for a pickup; `rooms` is the number of steps that are free for the line
    wherever its words are sung; `stresses` are the stresses of its syllables; `heights` is the number of semitones by
    which the line lies above the middle of the section's range. `climax` is the index of the line with the section's
    highest note.

    Raises:
        ValueError: the lines do not fit the bars, a line has no syllables or more syllables than steps, a line starts
            before the section, or notes of the anchor are empty, overlap or are out of order.
    """

    kind: SectionKind
    bars: int
    lines: tuple[tuple[int, ...], ...] = ()
    line_bars: tuple[int, ...] = ()
    minor: bool = False
    transpose: int = 0
    tempo_bpm: float = 90.0
    density: float = 4.0
    anchor: tuple[Note, ...] = ()
    final: bool = False
    motif: Motif | None = None
    played: bool = False
    pentatonic: bool = False
    chord_pace: float = 1.0
    genre: str = ""
    seed: int = 0
    words: tuple[str, ...] = ()
    takes_up: tuple[int | None, ...] = ()
    entries: tuple[int, ...] = ()
    stresses: tuple[tuple[Stress, ...], ...] = ()
    heights: tuple[float, ...] = ()
    climax: int | None = None
    headroom: int = 0
    rooms: tuple[int, ...] = ()
    beats_per_bar: int = BEATS_PER_BAR

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= MAX_BARS:
            raise ValueError(f"a section cannot have {self.bars} bars: give it 1 to {MAX_BARS}")
        if len(self.lines) != len(self.line_bars) or sum(self.line_bars) > self.bars:
            raise ValueError(
                f"{len(self.lines)} lines in {self.line_bars} bars do not fit a section of {self.bars} bars: give one "
                "number of bars for each line, together no more than the section has"
            )
        for tones, (start, stop) in zip(self.lines, self.line_spans(), strict=True):
            if start < 0 or not 1 <= len(tones) <= stop - start:
                raise ValueError(
                    f"{len(tones)} syllables do not fit into the steps (sixteenths) {start} to {stop} of the section: "
                    "a line needs a syllable, a step for each one, and a start inside the section"
                )
        free = 0
        for note in self.anchor:
            if note.start < free or note.length < 1:
                raise ValueError(
                    f"the note of the anchor melody at step {note.start} has no length, or begins before the end of "
                    f"the note before it (step {free}): sort the notes, and shorten those that overlap"
                )
            free = note.end

    @property
    def beats(self) -> int:
        """Length of the section in beats."""
        return self.bars * self.beats_per_bar

    @property
    def steps_per_bar(self) -> int:
        """Length of a bar in steps (sixteenth notes)."""
        return self.beats_per_bar * STEPS_PER_BEAT

    @property
    def steps(self) -> int:
        """Length of the section in steps (sixteenth notes)."""
        return self.bars * self.steps_per_bar

    @property
    def anchor_end(self) -> int:
        """The first step after the caller's melody; 0 if there is none."""
        return min(max((note.end for note in self.anchor), default=0), self.steps)

    def line_spans(self) -> tuple[tuple[int, int], ...]:
        """Return for each line its first step and the step after its last.

        A line lasts from its first note to the end of its bars, or to the first note of the next line if that note is a
        pickup.
        """
        entries = self.entries or (0,) * len(self.line_bars)
        bars = [bar * self.steps_per_bar for bar in itertools.accumulate(self.line_bars, initial=0)]
        starts = (bar + entry for bar, entry in zip(bars, entries, strict=False))
        stops = (bar + min(entry, 0) for bar, entry in zip(bars[1:], (*entries, 0)[1:], strict=True))
        return tuple(zip(starts, stops, strict=True))

    def bar_step(self, line: int) -> int:
        """Return the step on which a line's first bar begins."""
        return sum(self.line_bars[:line]) * self.steps_per_bar

    def line_beats(self, line: int) -> slice:
        """Return the range of beats, counted from the start of the section, that a line's bars cover."""
        first = sum(self.line_bars[:line]) * self.beats_per_bar
        return slice(first, first + self.line_bars[line] * self.beats_per_bar)

    def identity(self, line: int) -> str:
        """Return a string that is equal for lines with the same words: the line's entry in `words`, or the lexical
        tones of its syllables if there are no entries.
        """
        return self.words[line] if self.words else "".join(map(str, self.lines[line]))

    def same_words(self, line: int) -> int | None:
        """Return the index of the first earlier line of the section with the same words and as many bars; `None` if
        there is none.
        """
        alike = (one for one in range(line) if self.identity(one) == self.identity(line))
        return next((one for one in alike if self.line_bars[one] == self.line_bars[line]), None)

    def answered(self, line: int) -> int | None:
        """Return the index of the earlier line whose melody the line `line` varies; `None` if the line has a new
        melody.
        """
        return self.takes_up[line] if self.takes_up else None


@dataclass(frozen=True, slots=True)
class Tail:
    """The last bars of a section, in C major / A minor, which the next section continues: `melody` holds the melody
    class of each step, `chords` the chord class of each beat.
    """

    melody: tuple[int, ...]
    chords: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rendition:
    """The melody and chords of a section as first composed, kept for the repetition in later sections of the same kind.

    `melody` [steps] and `chords` [beats] are token classes; `spans` holds the first step of each line and the step
    after its last, `lines` the lexical tones of the lines' syllables. `played` is True if an instrument played the
    lines.
    """

    melody: tuple[int, ...]
    chords: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    lines: tuple[tuple[int, ...], ...]
    played: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """The melody and chords of a line as first composed: `entry` is the step of the first note in the line's first bar,
    `melody` the melody classes from that step on, `chords` the chord classes of the line's bars.
    """

    entry: int
    melody: tuple[int, ...]
    chords: tuple[int, ...]


NO_PHRASES: Mapping[str, Phrase] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Memory:
    """The music of earlier sections that the next section of the song continues or repeats.

    It consists of the last bars, the first rendition of every kind of section, and the first version of every line in
    each kind.
    """

    tail: Tail | None = None
    by_kind: tuple[tuple[SectionKind, Rendition], ...] = ()
    phrases: tuple[tuple[tuple[SectionKind, str], Phrase], ...] = ()

    def phrase(self, kind: SectionKind, words: str) -> Phrase | None:
        """Return the melody and chords of the line with these words, from the first section of the kind that had such a
        line; `None` if there was none.
        """
        return next((phrase for known, phrase in self.phrases if known == (kind, words)), None)

    def rendition(self, kind: SectionKind) -> Rendition | None:
        """Return the melody and chords of the first section of the kind, as composed; `None` if there was no such
        section.
        """
        return next((rendition for known, rendition in self.by_kind if known is kind), None)

    def with_section(
        self, kind: SectionKind, rendition: Rendition, tail_beats: int, phrases: Mapping[str, Phrase] = NO_PHRASES
    ) -> "Memory":
        """Return the memory with one more section added, whose last `tail_beats` beats the next section continues.

        A sung section replaces a section of its kind that an instrument played.
        """
        tail = Tail(rendition.melody[-tail_beats * STEPS_PER_BEAT :], rendition.chords[-tail_beats:])
        known = dict(self.by_kind)
        before = known.get(kind)
        if before is None or (before.played and not rendition.played):
            known[kind] = rendition
        lines = {(kind, words): phrase for words, phrase in phrases.items()} | dict(self.phrases)
        return Memory(tail, tuple(known.items()), tuple(lines.items()))


def phrases_of(spec: SectionSpec, melody: Sequence[int], chords: Sequence[int]) -> dict[str, Phrase]:
    """Return the melody and chords of each line of a section, keyed by the line's words, from the melody classes
    `melody` [steps] and the chord classes `chords` [beats].
    """
    phrases: dict[str, Phrase] = {}
    for line, (start, stop) in enumerate(spec.line_spans()):
        beats = spec.line_beats(line)
        phrase = Phrase(start - beats.start * STEPS_PER_BEAT, tuple(melody[start:stop]), tuple(chords[beats]))
        phrases.setdefault(spec.identity(line), phrase)
    return phrases
