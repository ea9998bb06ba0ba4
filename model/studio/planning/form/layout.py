"""Lays a song out in bars: assigns bars to each line, then fills the requested duration with interludes and repeated
choruses.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from model.song import SectionKind
from model.studio.lyrics.sections import LyricSection
from model.studio.planning.form.form import Block, Form, Part, tightest
from model.studio.planning.form.repetitions import end_position, repeated, repetitions
from model.studio.planning.text_setting import Ease

Move: TypeAlias = Callable[[Form], Form]
"""Function that lengthens a form in one way, or returns it unchanged if there is nothing to lengthen."""

_COMFORTABLE_SECONDS = 40.0
_SECONDS_PER_LINE = 10.0
_KINDS_BY_WEIGHT = (
    SectionKind.CHORUS,
    SectionKind.VERSE,
    SectionKind.PRE_CHORUS,
    SectionKind.BRIDGE,
    SectionKind.OUTRO,
    SectionKind.INTRO,
    SectionKind.INST,
)
_MOST_AT_EDGES = 0.5
"""Largest share of a sung song's bars for intro and outro; above this share the intro and outro stay short and words
are repeated instead.
"""


_TWO_PART_BARS = 12
_IN_PROPORTION = (SectionKind.CHORUS, SectionKind.VERSE)
"""Kinds of sections whose words get more bars in the same change, which keeps verse and chorus equally fast."""

_TWO_BARS = 1.5
"""Mean number of bars per line above which a part counts as slowly sung."""


def fewest_bars(sections: Sequence[LyricSection], bar_seconds: float) -> int:
    """Return the length in bars of the shortest song that holds the sections; `bar_seconds` is the length of a bar."""
    return tightest(sections, bar_seconds).bars


def comfortable_bars(
    sections: Sequence[LyricSection], bar_seconds: float, *, rapped: bool = False, doubled: bool = False
) -> int:
    """Return the length in bars of a song without a requested duration: all words are sung at an easy pace.

    A song under 40 seconds repeats sections to become longer. A song of few lines stays shorter: it has 10 seconds for
    each line and for each instrumental section.
    """
    seconds = _few_lines_seconds(sections)
    if seconds is not None:
        return max(fewest_bars(sections, bar_seconds), math.ceil(seconds / bar_seconds))
    opened = replace(_opened(sections, _TWO_PART_BARS, bar_seconds), rapped=rapped, doubled=doubled)
    form = _grown(opened, None)
    repetition = 0
    while form.bars * bar_seconds < _COMFORTABLE_SECONDS:
        form = next(repetitions(form, repetition))
        repetition += 1
    return form.bars


def _few_lines_seconds(sections: Sequence[LyricSection]) -> float | None:
    """Return the length in seconds of a song with so few lines that it is short: 10 seconds for each line and each
    instrumental section. The result is `None` from 40 seconds on, and for a song without words.
    """
    lines = sum(len(section.lines) for section in sections)
    seconds = _SECONDS_PER_LINE * (lines + sum(not section.lines for section in sections))
    return seconds if lines and seconds < _COMFORTABLE_SECONDS else None


def lay_out(
    sections: Sequence[LyricSection], bars: int, bar_seconds: float, *, rapped: bool = False, doubled: bool = False
) -> tuple[Block, ...]:
    """Return the sections (blocks) of a song of exactly `bars` bars, which must be at least `fewest_bars`.

    Extra bars go first to the words, unless they are `rapped`, then to intro and outro, then to repetitions of verse
    and chorus after interludes; the remaining bars are instrumental. The first block has at most 4 bars, the others
    have at most 16. In a `doubled` song each bar stands for two bars of a waltz.
    """
    opened = replace(_opened(sections, bars, bar_seconds), rapped=rapped, doubled=doubled)
    usual, short = (_filled(repeated(_grown(opened, bars, edges=edges), bars), bars) for edges in (True, False))
    return (short if usual.edge_share > _MOST_AT_EDGES and short.edge_share < usual.edge_share else usual).blocks()


def _opened(sections: Sequence[LyricSection], bars: int, bar_seconds: float) -> Form:
    form = tightest(sections, bar_seconds)
    if not sections and bars >= _TWO_PART_BARS:
        return replace(form.with_part(Part(SectionKind.CHORUS), 1), own_parts=2)
    return form


def _grown(form: Form, bars: int | None, *, edges: bool = True) -> Form:
    """Return the form lengthened by each change from `_moves` that keeps it within `bars` bars (`None` for no limit).
    With `edges` False the intro and the outro stay short.
    """
    for move in _moves(form.phrase_bars, rapped=form.rapped, edges=edges):
        longer = move(form)
        if bars is None or longer.bars <= bars:
            form = longer
    return form


def _moves(phrase_bars: int, *, rapped: bool, edges: bool) -> Iterator[Move]:
    """Yield the changes (functions) that lengthen a form, the most important first."""
    yield partial(_edges_at_least, intro=0, outro=1)
    yield partial(_edges_at_least, intro=1, outro=0)
    if not rapped:
        yield from _eased_moves(Ease.CLOSE)
    if edges:
        yield partial(_edges_at_least, intro=2, outro=0)
    if not rapped:
        yield from _eased_moves(Ease.EASY)
    yield from _rounded_moves(grid=2)
    if edges:
        yield partial(_edges_at_least, intro=0, outro=2)
    yield from _rounded_moves(grid=phrase_bars)
    if edges:
        yield partial(_edges_at_least, intro=phrase_bars, outro=0)
        yield partial(_edges_at_least, intro=0, outro=phrase_bars)
    yield from _for_each_kind(_played, played_bars=2 * phrase_bars)


def _for_each_kind(change: Callable[..., Form], **arguments: int) -> Iterable[Move]:
    return (partial(change, kind=kind, **arguments) for kind in _KINDS_BY_WEIGHT)


def _edges_at_least(form: Form, intro: int, outro: int) -> Form:
    return replace(form, intro_bars=max(form.intro_bars, intro), outro_bars=max(form.outro_bars, outro))


def _eased_moves(ease: Ease) -> Iterator[Move]:
    """Yield the changes (functions) that give the words more time: the first change is for verse and chorus together,
    each later one for one other kind of section.
    """
    yield partial(_eased, kinds=_IN_PROPORTION, ease=ease)
    for kind in _KINDS_BY_WEIGHT:
        if kind not in _IN_PROPORTION:
            yield partial(_eased, kinds=(kind,), ease=ease)


def _eased(form: Form, kinds: tuple[SectionKind, ...], ease: Ease) -> Form:
    """Return the form in which the words of all parts of the given kinds get the amount of time `ease`, at the same
    pace in all of these parts.

    If the lines of one of these parts have two bars each, the lines of the others have two bars as well.
    """
    eased = form
    for kind in kinds:
        eased = eased.with_kind(kind, lambda part: replace(part, ease=ease))
    paces = {eased.bars_a_line(part) >= _TWO_BARS for part in eased.parts if part.lines and part.kind in kinds}
    if len(paces) > 1 and ease is not Ease.WIDE:
        return _eased(form, kinds, Ease.WIDE)
    return eased


def _rounded_moves(grid: int) -> Iterator[Move]:
    """Yield the changes (functions) that round parts up to a multiple of `grid` bars: the first change is for verse and
    chorus together, each later one for one other kind of section.
    """
    yield partial(_rounded, kinds=_IN_PROPORTION, grid=grid)
    for kind in _KINDS_BY_WEIGHT:
        if kind not in _IN_PROPORTION:
            yield partial(_rounded, kinds=(kind,), grid=grid)


def _rounded(form: Form, kinds: tuple[SectionKind, ...], grid: int) -> Form:
    """Return the form in which sung parts of some kinds are rounded up to a multiple of `grid` bars; instrumental parts
    of these kinds get `grid` bars.
    """
    for kind in kinds:
        form = form.with_kind(kind, lambda part: replace(part, grid=grid, played_bars=grid))
    return form


def _played(form: Form, kind: SectionKind, played_bars: int) -> Form:
    return form.with_kind(kind, lambda part: replace(part, played_bars=played_bars))


def _filled(form: Form, bars: int) -> Form:
    """Add interludes to the form, then lengthen its outro, until the form has exactly `bars` bars."""
    phrase = form.phrase_bars
    while bars - form.bars >= phrase:
        played_bars = 2 * phrase if bars - form.bars >= 2 * phrase else phrase
        form = form.with_part(Part(SectionKind.INST, played_bars=played_bars), _interlude_position(form))
    return replace(form, outro_bars=form.outro_bars + bars - form.bars)


def _interlude_position(form: Form) -> int:
    """Return the position in the form's order at which an interlude is added: between the last two neighbouring parts
    of the lyrics.

    If no two parts of the lyrics are neighbours, it is the position of the last part of the lyrics, or the end.
    """
    own = [position for position, part in enumerate(form.order) if part < form.own_parts]
    together = [after for before, after in itertools.pairwise(own) if after == before + 1]
    if together:
        return together[-1]
    return own[-1] if len(own) > 1 else end_position(form)
