"""Chooses the length of a song in bars and its tempo, from the words and the requested duration."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from model.song import InvalidParams, Violation
from model.studio.lyrics.sections import LyricSection
from model.studio.notation.score import BEATS_PER_BAR
from model.studio.planning.form.layout import comfortable_bars, fewest_bars
from model.studio.planning.text_setting import most_in_one_bar
from model.studio.prompt.tempo import FASTEST_BPM, SLOWEST_BPM

TEMPO_SLACK = 0.04
"""Largest change of the preferred tempo, as a share, for a number of whole bars that fills the requested duration."""


class TooManyWords(Exception):
    """The words need more time than the longest song of the engine."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """The preferred tempo of a song in beats per minute, and the range in which it may change to fit a duration; a
    `fixed` tempo may not change.

    `beats_per_bar` is the number of beats in one bar of the layout: 6 in a waltz, whose bars the layout counts in
    pairs.
    """

    bpm: float
    range_bpm: tuple[float, float]
    fixed: bool = False
    beats_per_bar: int = BEATS_PER_BAR

    def bar_seconds(self, bpm: float) -> float:
        """Return the length of a bar in seconds at `bpm` beats per minute."""
        return seconds_of(1, bpm, self.beats_per_bar)


@dataclass(frozen=True, slots=True)
class Length:
    """Length of a song in whole bars of the layout (a pair of waltz bars counts as one), and its tempo in beats per
    minute.
    """

    bars: int
    tempo_bpm: float


def seconds_of(bars: int, tempo_bpm: float, beats_per_bar: int = BEATS_PER_BAR) -> float:
    """Return the duration of `bars` bars in seconds, at `tempo_bpm` beats per minute."""
    return bars * beats_per_bar * 60.0 / tempo_bpm


def bars_together(beats_per_bar: int) -> int:
    """Return the number of bars that the layout counts as one: 2 in a waltz, whose bars are short, otherwise 1."""
    return 2 if beats_per_bar < BEATS_PER_BAR else 1


def choose_length(
    asked: float | None, tempo: Tempo, sections: Sequence[LyricSection], longest: float, *, rapped: bool = False
) -> Length:
    """Return length and tempo of a song of `asked` seconds, or of the length that the words need if `asked` is `None`.

    `longest` is the duration in seconds of the longest song of the engine; `rapped` words keep their quickest pace.
    Whether words fit a duration depends on the style and the words alone, not on the tempo that was drawn for the song:
    words that do not fit at that tempo get the nearest tempo in the style's range at which they fit.

    Raises:
        InvalidParams: the words do not fit; the error names the shortest longer duration, in whole seconds, that is
            sufficient.
        TooManyWords: the words do not fit any duration.
    """
    if asked is None:
        doubled = tempo.beats_per_bar > BEATS_PER_BAR
        bars = comfortable_bars(sections, tempo.bar_seconds(tempo.bpm), rapped=rapped, doubled=doubled)
        if bars * tempo.bar_seconds(tempo.bpm) <= longest:
            return Length(bars, tempo.bpm)
    needs = _Needs(sections, tempo.beats_per_bar)
    seconds = longest if asked is None else asked
    found = _fitting(seconds, tempo, needs, longest)
    if found is None:
        raise _too_short(seconds, tempo, needs, longest)
    return found


@dataclass(slots=True)
class _Needs:
    """Computes the smallest number of bars that the words fit into at a tempo.

    Results are cached by the number of syllables that fit into a bar, because many tempi have the same number.
    """

    sections: Sequence[LyricSection]
    beats_per_bar: int
    _bars: dict[int, int] = field(default_factory=dict)

    def bars(self, tempo_bpm: float) -> int:
        """Return the smallest number of bars that the words fit into at a tempo in beats per minute."""
        bar_seconds = seconds_of(1, tempo_bpm, self.beats_per_bar)
        syllables = most_in_one_bar(bar_seconds)
        if syllables not in self._bars:
            self._bars[syllables] = fewest_bars(self.sections, bar_seconds)
        return self._bars[syllables]


def _fitting(seconds: float, tempo: Tempo, needs: _Needs, longest: float) -> Length | None:
    """Return the number of bars and the tempo for a song of `seconds` seconds, the preferred ones first, at which the
    words fit; `None` if they fit at no tempo. No song is longer than `longest` seconds.
    """
    lengths = _fixed_lengths(seconds, tempo, longest) if tempo.fixed else _free_lengths(seconds, tempo)
    return next((length for length in lengths if needs.bars(length.tempo_bpm) <= length.bars), None)


def _fixed_lengths(seconds: float, tempo: Tempo, longest: float) -> Iterator[Length]:
    """Yield the two lengths in whole bars nearest to a duration at a fixed tempo, the nearer first; none is longer than
    `longest` seconds.
    """
    bar_seconds = tempo.bar_seconds(tempo.bpm)
    wished = seconds / bar_seconds
    for bars in sorted({math.floor(wished), math.ceil(wished)}, key=lambda bars: abs(bars - wished)):
        if bars * bar_seconds <= longest:
            yield Length(bars, tempo.bpm)


def _free_lengths(seconds: float, tempo: Tempo) -> list[Length]:
    """Return the lengths in whole bars that fill `seconds` exactly at a tempo of the style; lengths near the preferred
    tempo come first.

    Among lengths whose tempo is close to the preferred one, multiples of four bars come first, then multiples of two.
    """
    wished = seconds / tempo.bar_seconds(tempo.bpm)
    slack = wished * TEMPO_SLACK

    def strain(length: Length) -> tuple[bool, float, float]:
        bend = abs(length.bars - wished)
        grid = -math.gcd(length.bars, 4) if bend <= slack else 0
        return (bend > slack, grid, bend)

    return sorted(_in_range(seconds, tempo), key=strain)


def _in_range(seconds: float, tempo: Tempo) -> list[Length]:
    """Return every length in whole bars that fills a duration exactly at a tempo inside the style's range or slightly
    outside of it.
    """
    minute_bars = 60.0 * tempo.beats_per_bar
    per_bar, range_bpm = seconds / minute_bars, tempo.range_bpm
    slowest = max(math.floor(range_bpm[0] * (1 - TEMPO_SLACK) * per_bar), math.ceil(SLOWEST_BPM * per_bar), 2)
    fastest = min(math.floor(range_bpm[1] * (1 + TEMPO_SLACK) * per_bar) + 2, math.floor(FASTEST_BPM * per_bar))
    return [Length(bars, minute_bars * bars / seconds) for bars in range(slowest, max(slowest, fastest) + 1)]


def _too_short(asked: float, tempo: Tempo, needs: _Needs, longest: float) -> Exception:
    """Return the error for a duration that is too short for the words: `InvalidParams` with the shortest sufficient
    duration in whole seconds, or `TooManyWords` if no duration up to `longest` seconds is sufficient.
    """
    for seconds in range(math.floor(asked) + 1, math.floor(longest) + 1):
        if _fitting(seconds, tempo, needs, longest):
            return InvalidParams(
                Violation(
                    "duration_seconds",
                    f"these lyrics need at least {seconds} s, not {asked:g} s: allow more time or shorten them",
                )
            )
    return TooManyWords()


def too_many_words(sections: Sequence[LyricSection], tempo: Tempo, longest: float) -> Violation:
    """Return the violation for lyrics that are too long for any song; its text gives the duration in seconds that all
    the words would need.
    """
    needs = _Needs(sections, tempo.beats_per_bar)
    low, high = (tempo.bpm, tempo.bpm) if tempo.fixed else tempo.range_bpm
    tempi = (low, *range(math.ceil(low), math.floor(high) + 1), high)
    seconds = math.ceil(min(needs.bars(bpm) * tempo.bar_seconds(bpm) for bpm in tempi))
    reason = f"these lyrics need about {seconds} s, and at most {longest:g} s can be made; leave some of them out"
    return Violation("lyrics", reason)
