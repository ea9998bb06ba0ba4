"""Composes the bass line: the lowest note of each chord at the start of the chord, and movement in the groove between
chord changes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from model.studio.arrange.context import ArrangementContext, Span
from model.studio.arrange.drums.drummer import kick_steps
from model.studio.arrange.dynamics import Texture, texture
from model.studio.arrange.tablature import Hit, Stroke, hits
from model.studio.style import Groove

_LOWEST, _HIGHEST, _HOME = 28, 45, 36
_ARTICULATION_STEPS = 0.15
_NEARLY = 0.1

Variants = tuple[tuple[str, ...], ...]
_CALM: Variants = (("R---------------",), ("R-------R-------",))
_CALM_WALTZ: Variants = (("R-----------",),)
_WALTZ: tuple[Variants, Variants] = (
    (("R-----------",), ("R-----------", "5-----------"), ("R-----------", "R-------5---")),
    (("R---5---a---", "R-------a---"), ("R-------R---", "R-------a---"), ("R-----R-5---", "R-----R-a---")),
)
_LINES: Mapping[Groove, tuple[Variants, Variants]] = MappingProxyType(
    {
        Groove.POP: (
            (("R-----R---------", "R-----R-----a---"), ("R-------R-----R-", "R-------R---5-a-"), ("R-----R-R-------",)),
            (("R-----R-R-----a-",), ("R-R-R-R-R-R-R-a-",), ("R-----R-R---5-a-", "R-----R-R-R-8-a-")),
        ),
        Groove.BALLAD: (
            (("R---------------", "R-------5-------"), ("R-----------R---",), ("R-------R-----a-",)),
            (("R-----R-R---5---",), ("R-------5---8-a-",), ("R-----R-R-----a-",)),
        ),
        Groove.ROCK: (
            (("R-R-R-R-R-R-R-R-",), ("R-----R-R-R-R-a-",)),
            (("R-R-R-R-R-R-R-a-",), ("R-RRR-R-R-R-5-a-",), ("R---R-R-R---R-a-",)),
        ),
        Groove.LOFI: (
            (("R-----5-R-------", "R-----5-----a---"), ("R---------R-----",), ("R-----R---8-----",)),
            (("R-----R---8---a-",), ("R--R----5-----a-",)),
        ),
        Groove.FOLK: (
            (("R-------5-------",), ("R-------5-----a-",)),
            (("R---5---R---5---", "R---5---R---a---"), ("R-----5-R-----a-",)),
        ),
        Groove.FOUR_ON_THE_FLOOR: (
            (("..R-..R-..R-..R-",), ("R--R--R-R--R--R-",), ("R---------R---R-",)),
            (("..R-..R-..R-..8-",), ("R-R8R-R8R-R8R-R8",), ("R-8-R-8-R-8-R-8-",)),
        ),
        Groove.CINEMATIC: (
            (("R---------------",), ("R-------------R-",)),
            (("R---R---R---R---",), ("R-----R-R-----R-",)),
        ),
        Groove.JAZZ: (
            (("R---3---5---a---",), ("R---5---R---a---",)),
            (("R---3---5---a---",), ("R---5---8---a---",), ("R---3---5-5-a---",)),
        ),
        Groove.NURSERY: (
            (("R-------5-------",), ("R-......5-......",)),
            (("R---5---R---5---",), ("R-..5-..R-..a-..",)),
        ),
        Groove.AMBIENT: (
            (("R---------------",),),
            (("R-------5-------",), ("R---------------",)),
        ),
        Groove.BOSSA: (
            (("R-----5-5-------", "R-----5-5-----a-"), ("R-------5-------", "R-------5-----a-")),
            (("R-----5-5-----R-", "R-----5-5-----a-"), ("R-----5-5---8-5-", "R-----5-5-----a-")),
        ),
        Groove.RNB: (
            (("R---------R--a--", "R---------R-5---"), ("R--R------------", "R--R------8---a-")),
            (("R--R----..R--8a-",), ("R------R..R-5-a-", "R------R..8-R-a-"), ("R--8..R---R--5a-",)),
        ),
        Groove.HIP_HOP: (
            (("R--------R------", "R--------R--5---"), ("R---------R-----",)),
            (("R--R------R-----", "R--R------R--8a-"), ("R-----R---R-----", "R-----R---R---a-")),
        ),
        Groove.MARCH: (
            (("R---....5---....",), ("R---....5---..a-",)),
            (("R---5---R---5---", "R---5---R---a---"), ("R-..R-..5-..5-..", "R-..R-..5-..a-a-")),
        ),
        Groove.GAME: (
            (("R-..R-..R-..R-a-",), ("R---8---R---8---",), ("R-R-..R-R-R-..5-",)),
            (("R-8-R-8-R-8-R-8-",), ("R-R-8-R-R-R-8-a-",), ("R-8-5-8-R-8-5-a-",)),
        ),
        Groove.REGGAE: (
            (("R-..R-5-....R-..",), ("R-..3-5-R-......",)),
            (("R-R-..5-8-..5-3-",), ("..R-R-3-5-..3-a-",)),
        ),
        Groove.BREAKBEAT: (
            (("R---------------", "R---------R-----"), ("R---------8-----",)),
            (("R---......R---5-", "R---......R-8-a-"), ("R-....R---R---..",)),
        ),
        Groove.GOSPEL: (
            (("R-------5---a---",), ("R-----R-5-----a-",)),
            (("R---3---5---a---", "R---8---5-3-a---"), ("R-----R-3---5-a-",)),
        ),
    }
)


def bass(context: ArrangementContext, before: int | None) -> list[Stroke]:
    """Return the bass line of a section, one note at a time, continuing from the MIDI pitch `before` (`None` if the
    section before has no bass); every chord begins with its lowest note.
    """
    variant = context.turned("bass", _with_the_kick(context, _variants(context)))
    strokes: list[Stroke] = []
    for bar in range(context.groove_bars):
        for index, hit in _bar_hits(context, bar, variant[bar % len(variant)]):
            before = _pitch(context, index, hit.mark, before)
            length = max(0.5, hit.length - _ARTICULATION_STEPS)
            strokes.append(Stroke(hit.start, length, before, context.weight_at(hit.start)))
    if context.ends_song:
        root = _near(context.spans[-1].chord.lowest, before)
        strokes.append(Stroke(context.groove_bars * context.bar_steps, context.bar_steps, root, 1.0))
    return strokes


def _with_the_kick(context: ArrangementContext, variants: Variants) -> Variants:
    """Return those variants of a bass pattern whose notes coincide most often with the section's kick drum; all
    variants if there are no drums.
    """
    kick = kick_steps(context)
    met = [_share_met(variant, kick) for variant in variants]
    return tuple(variant for variant, share in zip(variants, met, strict=True) if share >= max(met) - _NEARLY)


def _share_met(variant: tuple[str, ...], kick: frozenset[int]) -> float:
    onsets = [hit.start for bar in variant for hit in hits(bar)]
    return sum(step in kick for step in onsets) / len(onsets)


def _variants(context: ArrangementContext) -> Variants:
    if texture(context) is Texture.CALM:
        return _CALM_WALTZ if context.in_three else _CALM
    steady, full = _WALTZ if context.in_three else _LINES[context.style.groove]
    return full if texture(context) is Texture.FULL else steady


def _bar_hits(context: ArrangementContext, bar: int, tab: str) -> Iterator[tuple[int, Hit]]:
    """Yield the notes of one bar of the bass line, which the tablature `tab` describes, with times in steps of the
    section, each with the index of its chord span (a stretch with one chord). Every chord span begins with a note.
    """
    offset = bar * context.bar_steps
    placed = [replace(hit, start=hit.start + offset) for hit in hits(tab)]
    for index, span in enumerate(context.spans):
        if offset <= span.start < offset + context.bar_steps:
            for hit in _led_by_root(placed, span):
                yield index, replace(hit, length=min(hit.length, span.end - hit.start))


def _led_by_root(placed: list[Hit], span: Span) -> list[Hit]:
    inside = [hit for hit in placed if span.start <= hit.start < span.end]
    if inside and inside[0].start <= span.start + 2:
        return [replace(inside[0], mark="R"), *inside[1:]]
    until = inside[0].start if inside else span.end
    return [Hit(span.start, until - span.start, "R"), *inside]


def _pitch(context: ArrangementContext, index: int, mark: str, before: int | None) -> int:
    chord = context.spans[index].chord
    root, (first, third, fifth) = chord.lowest, chord.pitch_classes
    if root == fifth:
        fifth = first
    if mark == "a":
        return _approach(context, index, before)
    if mark == "8":
        low = _near(root, before)
        return low + 12 if low + 12 <= _HIGHEST + 5 else low
    return _near({"R": root, "3": third, "5": fifth}[mark], before)


def _approach(context: ArrangementContext, index: int, before: int | None) -> int:
    """Return the MIDI pitch of an approach note: a note in the chord span `index` that leads to the lowest note of the
    next chord.

    The approach note is one to three semitones from that lowest note, in the key or the next chord, on the side of the
    pitch `before`, the bass note before it. If both chords have the same lowest note, the result is the fifth of the
    chord.
    """
    chord = context.spans[index].chord
    coming = context.spans[index + 1].chord if index + 1 < len(context.spans) else chord
    if coming.lowest == chord.lowest:
        return _near(chord.pitch_classes[2], before)
    target = _near(coming.lowest, before)
    usable = context.scale | set(coming.pitch_classes)
    side = -1 if before is not None and before < target else 1
    return next(target + side * d for d in (1, 2, 3) if (target + side * d) % 12 in usable)


def _near(pitch_class: int, before: int | None) -> int:
    """Return the MIDI pitch in the bass register that has a pitch class and is nearest to the pitch `before`, with a
    preference for the middle of the register.
    """
    options = [p for p in range(_LOWEST, _HIGHEST + 1) if p % 12 == pitch_class]
    return min(options, key=lambda p: abs(p - (_HOME if before is None else before)) + 0.4 * abs(p - _HOME))
