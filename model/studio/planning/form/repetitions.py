"""Lengthens the form of a song by singing its verses and choruses again, with interludes between."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from model.song import LyricLine, SectionKind
from model.studio.planning.form.form import Form, Part

_INTERLUDES = (
    (SectionKind.INST, 1),
    (SectionKind.BRIDGE, 2),
    (SectionKind.INST, 2),
    (SectionKind.INST, 2),
)
"""Kind of the interlude before each repetition, in turn, and its length in phrases. The first, third and so on lead to
a verse, the others to a chorus.
"""

_LONG_INTERLUDES = (SectionKind.INST, SectionKind.BRIDGE, SectionKind.INST)
"""Interludes of two phrases each before a repetition: the first two, or all three, if the words cannot be repeated more
often.
"""

_MOST_SUNG, _MOST_SUNG_CHORUS = 4, 6
"""Largest number of times that the same words are sung, in a verse and in a chorus, unless the lyrics repeat them more
often.
"""

_LONGEST_REST_PHRASES = 4


def repeated(form: Form, bars: int) -> Form:
    """Return the form with repetitions of its parts, as many as fit into `bars` bars without a line that is sung too
    often. Interludes are longer if otherwise four phrases or more of the `bars` bars would be left over.
    """
    longer = form
    for interludes in range(1, len(_LONG_INTERLUDES) + 1):
        longer = _with_repetitions(form, bars, interludes)
        if bars - longer.bars < _LONGEST_REST_PHRASES * form.phrase_bars:
            break
    return longer


def _with_repetitions(form: Form, bars: int, interludes: int) -> Form:
    for repetition in range(bars):
        options = (option for option in repetitions(form, repetition, interludes) if option.bars <= bars)
        longer = next((option for option in options if not _sings_too_often(option)), None)
        if longer is None:
            return form
        form = longer
    return form


def _sings_too_often(form: Form) -> bool:
    """Return True if the form sings a line more than `_MOST_SUNG` times, or in a chorus more than `_MOST_SUNG_CHORUS`
    times.
    """
    times: Counter[tuple[SectionKind, LyricLine]] = Counter()
    for index in form.order:
        times.update({(form.parts[index].kind, line) for line in form.parts[index].lines})
    most = {SectionKind.CHORUS: _MOST_SUNG_CHORUS}
    return any(count > most.get(kind, _MOST_SUNG) for (kind, _), count in times.items())


def repetitions(form: Form, repetition: int, interludes: int = 1) -> Iterator[Form]:
    """Yield variants of the form with one more repetition before its end, the preferred variant first.

    The variants repeat a whole stanza, its last part, or only the last lines of that part. `repetition` is the number
    of repetitions so far; `interludes` is the number of instrumental parts before the added repetition in the preferred
    variant.
    """
    stanzas = _stanzas(form)
    stanza = stanzas[repetition // 2 % len(stanzas)]
    kind, phrases = _INTERLUDES[repetition % len(_INTERLUDES)]
    short = form.with_part(Part(SectionKind.INST, played_bars=form.phrase_bars), end_position(form))
    shorter = form.with_part(Part(SectionKind.INST, played_bars=form.phrase_bars // 2), end_position(form))
    wished = form.with_part(Part(kind, played_bars=phrases * form.phrase_bars), end_position(form))
    if interludes > 1:
        wished = form
        for kind in _LONG_INTERLUDES[:interludes]:
            wished = wished.with_part(Part(kind, played_bars=2 * form.phrase_bars), end_position(wished))
    again = stanza if repetition % 2 == 0 else stanza[-1:]
    yield _played_again(wished, again)
    yield _played_again(short, again)
    yield _played_again(shorter, again)
    yield _played_again(short, stanza[-1:])
    yield _played_again(form, stanza[-1:])
    last_block = form.parts[stanza[-1]].blocks(form.bar_seconds)[-1]
    yield form.with_part(replace(form.parts[stanza[-1]], lines=last_block.lines), end_position(form))


def _stanzas(form: Form) -> list[tuple[int, ...]]:
    """Return the stanzas of the lyrics, as indices of parts: a stanza ends with a chorus; without a chorus each part is
    a stanza.
    """
    own = [index for index in range(form.own_parts) if form.parts[index].kind is not SectionKind.OUTRO] or [0]
    cuts = [n for n, index in enumerate(own, start=1) if form.parts[index].kind is SectionKind.CHORUS]
    edges = [0, *cuts] if cuts else list(range(len(own) + 1))
    return [tuple(own[a:b]) for a, b in itertools.pairwise(edges)]


def end_position(form: Form) -> int:
    """Return the position in the form's order at which a part is added at the end of the song: before a closing outro,
    otherwise after the last part.
    """
    last = form.parts[form.order[-1]]
    return len(form.order) - (last.kind is SectionKind.OUTRO)


def _played_again(form: Form, parts: tuple[int, ...]) -> Form:
    end = end_position(form)
    return replace(form, order=(*form.order[:end], *parts, *form.order[end:]))
