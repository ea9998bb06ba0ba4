"""Chooses the voicing of every chord (the pitches that the accompaniment plays for it), with smooth voice leading.

The voicings of a section are the path of lowest cost through all candidate voicings of its chord spans (Viterbi):
little movement, no parallel fifths and octaves in the outer voices, and distance to the melody above.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import TypeAlias

from model.studio.arrange.context import ArrangementContext, Span
from model.studio.notation.score import Quality
from model.studio.style import Groove

Voicing: TypeAlias = tuple[int, ...]
"""MIDI pitches of the notes of a chord, lowest first."""

LEAD_CLEARANCE = 3
_LOWEST, _USUAL_FLOOR, _HIGHEST = 40, 50, 69
_WIDEST = 16
_COLOURED_GROOVES = frozenset({Groove.LOFI, Groove.JAZZ, Groove.BOSSA, Groove.RNB, Groove.GOSPEL})

_OUTER_PARALLEL, _BASS_PARALLEL, _INNER_PARALLEL = 14.0, 8.0, 4.0


def voice(context: ArrangementContext, previous: Voicing = ()) -> tuple[Voicing, ...]:
    """Return one voicing (the MIDI pitches of a chord) for each chord span of a section; the first voicing continues
    from the voicing `previous`, if given.

    Every voicing has all pitch classes that `classes` returns and lies at least `LEAD_CLEARANCE` semitones below the
    melody as long as the melody stays above MIDI 55.
    """
    ceilings = _ceilings(context)
    options = [candidates(classes(context, span), top) for span, top in zip(context.spans, ceilings, strict=True)]
    return _cheapest_path(context, options, previous)


def classes(context: ArrangementContext, span: Span) -> tuple[int, ...]:
    """Return the pitch classes that a chord's voicing must have: the triad with its added tone. In jazz grooves a plain
    triad gets the seventh that the key has.

    An added tone or seventh a semitone from a melody tone is left out.
    """
    triad, added = span.chord.pitch_classes, span.chord.added
    if added is not None and not _rubs(context, span, added):
        return (*triad, added)
    if (
        span.chord.coloured
        or context.style.groove not in _COLOURED_GROOVES
        or span.chord.quality is Quality.DIMINISHED
        or context.ends_song
    ):
        return triad
    seventh = next(((triad[0] + i) % 12 for i in (10, 11) if (triad[0] + i) % 12 in context.scale), None)
    if seventh is None or seventh in triad or _rubs(context, span, seventh):
        return triad
    return (*triad, seventh)


def _rubs(context: ArrangementContext, span: Span, pitch_class: int) -> bool:
    """Return True if the melody, while the chord of `span` sounds, has a tone a semitone from the pitch class."""
    sung = {p % 12 for p in context.lead[span.start : span.end] if p is not None}
    return bool(sung & {(pitch_class + 1) % 12, (pitch_class - 1) % 12})


def candidates(pitch_classes: tuple[int, ...], ceiling: int) -> list[Voicing]:
    """Return every voicing that has exactly one note for each pitch class, no note above `ceiling`, and a range of at
    most a tenth.
    """
    floor = max(_LOWEST, min(_USUAL_FLOOR, ceiling - 12))
    ceiling = max(ceiling, floor + 11)
    pool = [p for p in range(floor, ceiling + 1) if p % 12 in pitch_classes]
    groups = combinations(pool, len(pitch_classes))
    return [g for g in groups if len({p % 12 for p in g}) == len(g) and g[-1] - g[0] <= _WIDEST]


def parallel(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Return True if two voices move in parallel fifths or octaves from one chord to the next; `before` and `after` are
    their pitches (lower, upper).
    """
    interval = (before[1] - before[0]) % 12
    moved = before[0] != after[0] and before[1] != after[1]
    return moved and interval in (0, 7) and interval == (after[1] - after[0]) % 12


def movement(before: Voicing, after: Voicing) -> float:
    """Return the total movement of the voices from one voicing to the next, in semitones.

    If the voicings differ in their number of notes, each note of the larger voicing is compared with the nearest note
    of the smaller one.
    """
    if len(before) == len(after):
        return float(sum(abs(a - b) for a, b in zip(before, after, strict=True)))
    longer, shorter = (before, after) if len(before) > len(after) else (after, before)
    return float(sum(min(abs(a - b) for b in shorter) for a in longer))


def _ceilings(context: ArrangementContext) -> list[int]:
    sounding = [p for p in context.lead if p is not None]
    usual = min(_HIGHEST, min(sounding) - LEAD_CLEARANCE) if sounding else _HIGHEST
    tops = []
    for span in context.spans:
        lowest = context.lowest_lead(span.start, span.end)
        tops.append(usual if lowest is None else min(_HIGHEST, lowest - LEAD_CLEARANCE))
    return tops


def _cheapest_path(
    context: ArrangementContext, options: Sequence[Sequence[Voicing]], previous: Voicing
) -> tuple[Voicing, ...]:
    first, roots = options[0], [span.chord.lowest for span in context.spans]
    costs = [_shape(v) + (0.5 * movement(previous, v) if previous else 0.0) for v in first]
    trails: list[list[int]] = []
    for (before, after), (low, next_low) in zip(pairwise(options), pairwise(roots), strict=True):
        reached = list(enumerate(zip(costs, before, strict=True)))
        steps = [min((cost + _leading(a, b, low, next_low), i) for i, (cost, a) in reached) for b in after]
        trails.append([i for _, i in steps])
        costs = [cost + _shape(b) for (cost, _), b in zip(steps, after, strict=True)]
    return _trace(options, trails, costs.index(min(costs)))


def _trace(options: Sequence[Sequence[Voicing]], trails: Sequence[Sequence[int]], last: int) -> tuple[Voicing, ...]:
    path = [last]
    for trail in reversed(trails):
        path.append(trail[path[-1]])
    return tuple(choices[i] for choices, i in zip(options, reversed(path), strict=True))


def _shape(voicing: Voicing) -> float:
    """Return the cost of a voicing, apart from voice leading: higher for a wide range, distance from the middle
    register, and close intervals in the low notes.
    """
    centre = sum(voicing) / len(voicing)
    mud = sum(3.0 for a, b in pairwise(voicing) if a < 50 and b - a < 4)
    clusters = sum(1.5 for a, b in pairwise(voicing) if b - a < 2)
    return 0.25 * abs(centre - 58) + 0.4 * max(0, voicing[-1] - voicing[0] - 12) + mud + clusters


def _leading(before: Voicing, after: Voicing, root: int, next_root: int) -> float:
    outer = parallel((before[0], before[-1]), (after[0], after[-1]))
    with_bass = parallel((root, before[-1]), (next_root, after[-1]))
    inner = sum(parallel(a, b) for a, b in zip(pairwise(before), pairwise(after), strict=False))
    leap = max(0, abs(after[-1] - before[-1]) - 5)
    return (
        movement(before, after) + leap + _OUTER_PARALLEL * outer + _BASS_PARALLEL * with_bass + _INNER_PARALLEL * inner
    )
