"""Chooses the length of a song in bars, and its tempo, from the words and the requested duration."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from model.song import InvalidParams, Violation
from model.studio.lyrics.sections import LyricSection
from model.studio.notation.score import BEATS_PER_BAR
from model.studio.planning.layout import comfortable_bars, fewest_bars
from model.studio.planning.text_setting import most_in_one_bar
from model.studio.prompt.tempo import FASTEST_BPM, SLOWEST_BPM

TEMPO_SLACK = 0.04
"""Share by which the engine bends its own tempo at most, so that whole bars fill the asked duration."""


class TooManyWords(Exception):
    """The words need more time than the longest song of the engine has."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """The tempo that a song would like to have, and the range that the style leaves it; none where it is `fixed`.

    `beats_per_bar` counts the beats of the bars that the song is laid out in.
    """

    bpm: float
    range_bpm: tuple[float, float]
    fixed: bool = False
    beats_per_bar: int = BEATS_PER_BAR

    def bar_seconds(self, bpm: float) -> float:
        """Return the length of a bar at `bpm`."""
        return seconds_of(1, bpm, self.beats_per_bar)


@dataclass(frozen=True, slots=True)
class Length:
    """Whole bars of the layout at a tempo."""

    bars: int
    tempo_bpm: float


def seconds_of(bars: int, tempo_bpm: float, beats_per_bar: int = BEATS_PER_BAR) -> float:
    """Return the duration of `bars` bars in seconds."""
    return bars * beats_per_bar * 60.0 / tempo_bpm


def bars_together(beats_per_bar: int) -> int:
    """Return the bars that the layout counts as one: two of a waltz, which are about as long as one of four beats."""
    return 2 if beats_per_bar < BEATS_PER_BAR else 1


def choose_length(
    asked: float | None, tempo: Tempo, sections: Sequence[LyricSection], longest: float, *, rapped: bool = False
) -> Length:
    """Return the length of a song of `asked` seconds, or, where nothing is asked, as long as the words need.

    Whether words fit a duration depends on the style and the words alone, not on the tempo that was drawn for the
    song: where they do not fit at that one, the nearest of the style's range is taken at which they do.

    Raises:
        InvalidParams: the words do not fit; names the shortest duration in whole seconds that holds them, from the
            one that was asked for on.
        TooManyWords: no duration holds them.
    """
    if asked is None:
        bars = comfortable_bars(sections, tempo.bar_seconds(tempo.bpm), rapped=rapped)
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
    """The fewest bars that hold the words; they are the same for all tempi at which a bar holds as many syllables."""

    sections: Sequence[LyricSection]
    beats_per_bar: int
    _bars: dict[int, int] = field(default_factory=dict)

    def bars(self, tempo_bpm: float) -> int:
        """Return the fewest bars at a tempo."""
        bar_seconds = seconds_of(1, tempo_bpm, self.beats_per_bar)
        syllables = most_in_one_bar(bar_seconds)
        if syllables not in self._bars:
            self._bars[syllables] = fewest_bars(self.sections, bar_seconds)
        return self._bars[syllables]


def _fitting(seconds: float, tempo: Tempo, needs: _Needs, longest: float) -> Length | None:
    """Return the best length for a duration that holds the words, or `None`."""
    lengths = _fixed_lengths(seconds, tempo, longest) if tempo.fixed else _free_lengths(seconds, tempo)
    return next((length for length in lengths if needs.bars(length.tempo_bpm) <= length.bars), None)


def _fixed_lengths(seconds: float, tempo: Tempo, longest: float) -> Iterator[Length]:
    """The whole bars on either side of the duration, the nearer first, and none beyond the `longest` in seconds."""
    bar_seconds = tempo.bar_seconds(tempo.bpm)
    wished = seconds / bar_seconds
    for bars in sorted({math.floor(wished), math.ceil(wished)}, key=lambda bars: abs(bars - wished)):
        if bars * bar_seconds <= longest:
            yield Length(bars, tempo.bpm)


def _free_lengths(seconds: float, tempo: Tempo) -> list[Length]:
    """Return the bars and exact tempi in the range of the style: first those within the slack of the tempo, then by
    distance.

    Among those within the slack multiples of four bars come first, then of two.
    """
    wished = seconds / tempo.bar_seconds(tempo.bpm)
    slack = wished * TEMPO_SLACK

    def strain(length: Length) -> tuple[bool, float, float]:
        bend = abs(length.bars - wished)
        grid = -math.gcd(length.bars, 4) if bend <= slack else 0
        return (bend > slack, grid, bend)

    return sorted(_in_range(seconds, tempo), key=strain)


def _in_range(seconds: float, tempo: Tempo) -> list[Length]:
    """Return all lengths of a duration whose tempo, bent a little, is in the range, and one or two beyond it."""
    minute_bars = 60.0 * tempo.beats_per_bar
    per_bar, range_bpm = seconds / minute_bars, tempo.range_bpm
    slowest = max(math.floor(range_bpm[0] * (1 - TEMPO_SLACK) * per_bar), math.ceil(SLOWEST_BPM * per_bar), 2)
    fastest = min(math.floor(range_bpm[1] * (1 + TEMPO_SLACK) * per_bar) + 2, math.floor(FASTEST_BPM * per_bar))
    return [Length(bars, minute_bars * bars / seconds) for bars in range(slowest, max(slowest, fastest) + 1)]


def _too_short(asked: float, tempo: Tempo, needs: _Needs, longest: float) -> Exception:
    """Return the error that names the shortest duration that holds the words."""
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
    """Return the violation that says how long a song of all the words would be."""
    needs = _Needs(sections, tempo.beats_per_bar)
    low, high = (tempo.bpm, tempo.bpm) if tempo.fixed else tempo.range_bpm
    tempi = (low, *range(math.ceil(low), math.floor(high) + 1), high)
    seconds = math.ceil(min(needs.bars(bpm) * tempo.bar_seconds(bpm) for bpm in tempi))
    reason = f"these lyrics need about {seconds} s, and at most {longest:g} s can be made; leave some of them out"
    return Violation("lyrics", reason)
