"""Specification of a section for the denoiser, and the memory that it keeps between sections."""

from dataclasses import dataclass

from model.song import SectionKind
from model.studio.composing.motif import Motif
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, Note

MAX_BARS = 16
"""Longest section that is written in one piece."""


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """Specification of one section for the denoiser.

    `lines` holds the sung tones (1 to 5, 0 is none) of each sung line's syllables, `line_bars` the bars given to
    each line: lines follow each other from bar 0 on and what is left is instrumental. `transpose` counts semitones from
    C major / A minor to the sounding key. `density` is that of an instrumental melody, in notes per bar. `anchor` is
    the caller's melody at sounding pitch from step 0 on: kept exactly, and continued. `motif` is how that melody
    begins, for every section from then on. `final` ends the song. With `played` the lines are those of another section
    whose tune an instrument plays: they have notes, and no words. `pentatonic` keeps the melody to the scale without
    its fourth and seventh degree in major; `chord_pace` is a factor on how often chords change.

    Raises:
        ValueError: the lines do not fit the bars, a line has no syllables or more than sixteenths, or notes of the
            anchor are empty, overlap or are out of order.
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

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= MAX_BARS:
            raise ValueError(f"a section has 1 to {MAX_BARS} bars, not {self.bars}")
        if len(self.lines) != len(self.line_bars) or sum(self.line_bars) > self.bars:
            raise ValueError(
                f"{len(self.lines)} lines in {self.line_bars} bars do not fit a section of {self.bars} bars"
            )
        for tones, bars in zip(self.lines, self.line_bars, strict=True):
            if not 1 <= len(tones) <= bars * STEPS_PER_BAR:
                raise ValueError(f"{len(tones)} syllables do not fit {bars} bars")
        free = 0
        for note in self.anchor:
            if note.start < free or note.length < 1:
                raise ValueError(f"the anchor's note at step {note.start} is empty or begins before step {free}")
            free = note.end

    @property
    def beats(self) -> int:
        """Length in beats."""
        return self.bars * BEATS_PER_BAR

    @property
    def steps(self) -> int:
        """Length in sixteenth steps."""
        return self.bars * STEPS_PER_BAR

    @property
    def anchor_end(self) -> int:
        """The first step that the anchor leaves free."""
        return min(max((note.end for note in self.anchor), default=0), self.steps)

    def line_spans(self) -> tuple[tuple[int, int], ...]:
        """Start and end of each line in steps."""
        spans: list[tuple[int, int]] = []
        start = 0
        for bars in self.line_bars:
            spans.append((start, start + bars * STEPS_PER_BAR))
            start += bars * STEPS_PER_BAR
        return tuple(spans)


@dataclass(frozen=True, slots=True)
class Tail:
    """The last bars of a section in C major / A minor: `melody` classes of each step, `chords` classes of each beat."""

    melody: tuple[int, ...]
    chords: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rendition:
    """A section as it was first written: its classes, where its lines lie and what tones they had, and whether they
    were only played."""

    melody: tuple[int, ...]
    chords: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    lines: tuple[tuple[int, ...], ...]
    played: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory between sections: the last bars, and the first rendition of every kind so far."""

    tail: Tail | None = None
    by_kind: tuple[tuple[SectionKind, Rendition], ...] = ()

    def rendition(self, kind: SectionKind) -> Rendition | None:
        """The rendition of a section of this kind; `None` before there is one."""
        return next((rendition for known, rendition in self.by_kind if known is kind), None)

    def with_section(self, kind: SectionKind, rendition: Rendition, tail_bars: int) -> "Memory":
        """The memory after a further section. What was sung counts for more than what was played before it."""
        tail = Tail(rendition.melody[-tail_bars * STEPS_PER_BAR :], rendition.chords[-tail_bars * BEATS_PER_BAR :])
        known = dict(self.by_kind)
        before = known.get(kind)
        if before is None or (before.played and not rendition.played):
            known[kind] = rendition
        return Memory(tail, tuple(known.items()))
