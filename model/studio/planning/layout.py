"""Divides a song into bars: places the words, then fills the time with interludes and repeated choruses."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from model.song import SectionKind
from model.studio.lyrics.sections import LyricSection
from model.studio.planning.form import Block, Form, Part, tightest
from model.studio.planning.text_setting import Ease

Move: TypeAlias = Callable[[Form], Form]
"""One way to make a form longer, or the form itself where there is nothing to lengthen."""

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
_INTERLUDES = (
    (SectionKind.INST, 1),
    (SectionKind.BRIDGE, 2),
    (SectionKind.INST, 2),
    (SectionKind.INST, 2),
)
"""What is played before each repetition, in turn, and for how many phrases; the first, third and so on return to the
verse, the others to the chorus."""

_TWO_PART_BARS = 12
_IN_PROPORTION = frozenset({SectionKind.VERSE, SectionKind.CHORUS})
_TWO_BARS = 1.5
"""Mean bars of the lines of a part from which on it has the slow pace."""


def fewest_bars(sections: Sequence[LyricSection], bar_seconds: float) -> int:
    """Return the length of the shortest song that holds the sections, in bars of `bar_seconds`."""
    return tightest(sections, bar_seconds).bars


def comfortable_bars(sections: Sequence[LyricSection], bar_seconds: float, *, rapped: bool = False) -> int:
    """The length at which every section has room, with repetitions where the song would be under 40 seconds.

    Few lines make a shorter song: 10 seconds for each line and each section that is played.
    """
    seconds = _few_lines_seconds(sections)
    if seconds is not None:
        return max(fewest_bars(sections, bar_seconds), math.ceil(seconds / bar_seconds))
    form = _grown(replace(_opened(sections, _TWO_PART_BARS, bar_seconds), rapped=rapped), None)
    repetition = 0
    while form.bars * bar_seconds < _COMFORTABLE_SECONDS:
        form = next(_repetitions(form, repetition))
        repetition += 1
    return form.bars


def _few_lines_seconds(sections: Sequence[LyricSection]) -> float | None:
    """Return the length in seconds of a song of few lines; `None` for other songs, and for one without words."""
    lines = sum(len(section.lines) for section in sections)
    seconds = _SECONDS_PER_LINE * (lines + sum(not section.lines for section in sections))
    return seconds if lines and seconds < _COMFORTABLE_SECONDS else None


def lay_out(
    sections: Sequence[LyricSection], bars: int, bar_seconds: float, *, rapped: bool = False
) -> tuple[Block, ...]:
    """The sections of a song of exactly `bars` bars, which must be at least `fewest_bars`.

    Words get room first, unless they are `rapped`, then intro and outro, then verse and chorus come again after
    interludes; what is left over is played. The first block has at most 4 bars and none has more than 16.
    """
    form = _grown(replace(_opened(sections, bars, bar_seconds), rapped=rapped), bars)
    form = _repeated(form, bars)
    return _filled(form, bars).blocks()


def _opened(sections: Sequence[LyricSection], bars: int, bar_seconds: float) -> Form:
    form = tightest(sections, bar_seconds)
    if not sections and bars >= _TWO_PART_BARS:
        return replace(form.with_part(Part(SectionKind.CHORUS), 1), own_parts=2)
    return form


def _grown(form: Form, bars: int | None) -> Form:
    """Make every move in turn that keeps the form within `bars`."""
    for move in _moves(form.phrase_bars, rapped=form.rapped):
        longer = move(form)
        if bars is None or longer.bars <= bars:
            form = longer
    return form


def _moves(phrase_bars: int, *, rapped: bool) -> Iterator[Move]:
    """Return the ways to lengthen a song, most urgent first."""
    yield partial(_edges_at_least, intro=0, outro=1)
    yield partial(_edges_at_least, intro=1, outro=0)
    if not rapped:
        yield from _for_each_kind(_eased, ease=Ease.CLOSE)
    yield partial(_edges_at_least, intro=2, outro=0)
    if not rapped:
        yield from _for_each_kind(_eased, ease=Ease.EASY)
        yield _in_proportion
    yield from _for_each_kind(_rounded, grid=2)
    yield partial(_edges_at_least, intro=0, outro=2)
    yield from _for_each_kind(_rounded, grid=phrase_bars)
    yield partial(_edges_at_least, intro=phrase_bars, outro=0)
    yield partial(_edges_at_least, intro=0, outro=phrase_bars)
    yield from _for_each_kind(_played, played_bars=2 * phrase_bars)


def _for_each_kind(change: Callable[..., Form], **arguments: int) -> Iterable[Move]:
    return (partial(change, kind=kind, **arguments) for kind in _KINDS_BY_WEIGHT)


def _edges_at_least(form: Form, intro: int, outro: int) -> Form:
    return replace(form, intro_bars=max(form.intro_bars, intro), outro_bars=max(form.outro_bars, outro))


def _eased(form: Form, kind: SectionKind, ease: Ease) -> Form:
    return form.with_kind(kind, lambda part: replace(part, ease=ease))


def _in_proportion(form: Form) -> Form:
    """The form with verse and chorus at one pace: where lines of one have two bars, those of the other have as many."""
    sung = [part for part in form.parts if part.lines and part.kind in _IN_PROPORTION]
    if not any(form.bars_a_line(part) >= _TWO_BARS for part in sung):
        return form
    for kind in {part.kind for part in sung if form.bars_a_line(part) < _TWO_BARS}:
        form = _eased(form, kind, Ease.WIDE)
    return form


def _rounded(form: Form, kind: SectionKind, grid: int) -> Form:
    """Round sung parts up to a multiple of `grid` bars; let played parts last `grid` bars."""
    return form.with_kind(kind, lambda part: replace(part, grid=grid, played_bars=grid))


def _played(form: Form, kind: SectionKind, played_bars: int) -> Form:
    return form.with_kind(kind, lambda part: replace(part, played_bars=played_bars))


def _repeated(form: Form, bars: int) -> Form:
    """Add repetitions as long as one fits."""
    for repetition in range(bars):
        longer = next((option for option in _repetitions(form, repetition) if option.bars <= bars), None)
        if longer is None:
            return form
        form = longer
    return form


def _repetitions(form: Form, repetition: int) -> Iterator[Form]:
    """The form with a stanza, its last part or its last lines once more, the wished length first."""
    stanzas = _stanzas(form)
    stanza = stanzas[repetition // 2 % len(stanzas)]
    kind, phrases = _INTERLUDES[repetition % len(_INTERLUDES)]
    short = form.with_part(Part(SectionKind.INST, played_bars=form.phrase_bars), _end(form))
    shorter = form.with_part(Part(SectionKind.INST, played_bars=form.phrase_bars // 2), _end(form))
    wished = form.with_part(Part(kind, played_bars=phrases * form.phrase_bars), _end(form))
    again = stanza if repetition % 2 == 0 else stanza[-1:]
    yield _played_again(wished, again)
    yield _played_again(short, again)
    yield _played_again(shorter, again)
    yield _played_again(short, stanza[-1:])
    yield _played_again(form, stanza[-1:])
    last_block = form.parts[stanza[-1]].blocks(form.bar_seconds)[-1]
    yield form.with_part(replace(form.parts[stanza[-1]], lines=last_block.lines), _end(form))


def _stanzas(form: Form) -> list[tuple[int, ...]]:
    """The song's own parts, cut after each chorus; without any chorus every part stands alone."""
    own = [index for index in range(form.own_parts) if form.parts[index].kind is not SectionKind.OUTRO] or [0]
    cuts = [n for n, index in enumerate(own, start=1) if form.parts[index].kind is SectionKind.CHORUS]
    edges = [0, *cuts] if cuts else list(range(len(own) + 1))
    return [tuple(own[a:b]) for a, b in itertools.pairwise(edges)]


def _end(form: Form) -> int:
    """Return the position in the order after everything except a closing outro."""
    last = form.parts[form.order[-1]]
    return len(form.order) - (last.kind is SectionKind.OUTRO)


def _played_again(form: Form, parts: tuple[int, ...]) -> Form:
    end = _end(form)
    return replace(form, order=(*form.order[:end], *parts, *form.order[end:]))


def _filled(form: Form, bars: int) -> Form:
    """Play interludes, and at last a longer outro, until the form has exactly `bars`."""
    phrase = form.phrase_bars
    while bars - form.bars >= phrase:
        played_bars = 2 * phrase if bars - form.bars >= 2 * phrase else phrase
        form = form.with_part(Part(SectionKind.INST, played_bars=played_bars), _seam(form))
    return replace(form, outro_bars=form.outro_bars + bars - form.bars)


def _seam(form: Form) -> int:
    """Return the last position in the order between two of the song's own parts, or its end."""
    for position in range(len(form.order) - 1, 0, -1):
        if max(form.order[position - 1 : position + 1]) < form.own_parts:
            return position
    return _end(form)
