"""Composes the part of a solo instrument beside a singer: short answers at the ends of sung lines, and a counterline
(second melody) in bridges, pre-choruses and repeated sections.
"""

from collections.abc import Sequence

from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext, Breath, breaths
from model.studio.arrange.lead import sung_notes
from model.studio.arrange.ornaments import countermelody, without_overlap
from model.studio.arrange.players import folded, pitch_range, sustains
from model.studio.arrange.tablature import Stroke
from model.studio.arrange.voicing import Voicing
from model.studio.notation.score import STEPS_PER_BEAT, Note
from model.studio.style import Instrument, Track

_SHORTEST_ANSWER = 5
_SETTLE_STEPS = 3
_STEP = 2
_ECHOED_NOTES = 4
_ANSWER_WEIGHT, _LINE_WEIGHT, _DESCANT_WEIGHT = 0.86, 0.72, 0.66
_ALWAYS_BESIDE = frozenset({SectionKind.BRIDGE, SectionKind.PRE_CHORUS})
_REGISTER = range(64, 87)
_HIGH_FLOOR = 58
_DESCANT = range(72, 87)
_DESCANT_GAP = 3


def answers(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return the notes of the melody's instrument while a singer has the melody: short answers in the singer's pauses,
    and a counterline. The result is empty if nobody sings.
    """
    player = context.player(Track.LEAD)
    sung = sung_notes(context.score.melody) if context.sung else ()
    if player is None or not sung:
        return []
    fills = [stroke for breath in _free(context) for stroke in _answer(context, breath, sung, player)]
    line = _line(context, voicings, player) if sustains(player) and _has_line(context) else []
    return without_overlap([stroke for stroke in line if stroke.start >= _line_start(context)], fills) + fills


def _free(context: ArrangementContext) -> list[Breath]:
    last = context.groove_bars * context.bar_steps
    found = breaths(context.score, at_least=_SHORTEST_ANSWER, settle=_SETTLE_STEPS)
    return [Breath(breath.start, min(breath.end, last)) for breath in found if breath.start and breath.start < last]


def _has_line(context: ArrangementContext) -> bool:
    """Return True if the solo instrument plays a counterline in the section: in a bridge or pre-chorus, and in every
    section whose kind has come before in the song.
    """
    return context.kind in _ALWAYS_BESIDE or context.turn.number > 0


def _line_start(context: ArrangementContext) -> int:
    """Return the step at which the solo instrument begins its counterline: the middle of a verse, the start of any
    other section.
    """
    return context.score.steps // 2 if context.kind is SectionKind.VERSE else 0


def _answer(context: ArrangementContext, breath: Breath, sung: Sequence[Note], player: Instrument) -> list[Stroke]:
    """Return an answer of the solo instrument `player` to the sung line before the pause `breath`: the last notes of
    that line, repeated in eighth notes on chord tones; the last note is held.
    """
    before = [note.pitch for note in sung if note.start < breath.start][-_ECHOED_NOTES:]
    start = breath.start + breath.start % _STEP
    steps = list(range(start, breath.end - 1, _STEP))[: len(before)]
    strokes: list[Stroke] = []
    shift = _shift(before, player)
    for place, (step, pitch) in enumerate(zip(steps, before[-len(steps) :] if steps else [], strict=True)):
        strong = step % STEPS_PER_BEAT == 0 or place == len(steps) - 1
        tone = _nearest(pitch + shift, _tones(context, step, strong=strong))
        end = steps[place + 1] if place + 1 < len(steps) else min(breath.end, step + STEPS_PER_BEAT)
        strokes.append(Stroke(step, end - step, folded(tone, player), _ANSWER_WEIGHT * context.weight_at(step)))
    return strokes


def _shift(pitches: Sequence[int], player: Instrument) -> int:
    """Return the transposition in semitones, a multiple of 12, that moves sung pitches into the range of the solo
    instrument.
    """
    low, high = pitch_range(player)
    middle = min(max((_REGISTER[0] + _REGISTER[-1]) // 2, low + 6), high - 6)
    return round((middle - sum(pitches) / max(len(pitches), 1)) / 12) * 12


def _tones(context: ArrangementContext, step: int, *, strong: bool) -> frozenset[int]:
    chord = frozenset(context.spans[context.span_at(step)].chord.pitch_classes)
    return chord if strong else chord | context.scale


def _nearest(pitch: int, classes: frozenset[int]) -> int:
    return min(range(pitch - 6, pitch + 7), key=lambda p: (p % 12 not in classes, abs(p - pitch)))


def _line(context: ArrangementContext, voicings: Sequence[Voicing], player: Instrument) -> list[Stroke]:
    """Return a counterline to the melody: half notes below the melody if the instrument's range allows, otherwise held
    chord tones above it.
    """
    if pitch_range(player)[0] < _HIGH_FLOOR:
        line = countermelody(context, voicings)
        return [Stroke(s.start, s.length, folded(s.pitch, player), _LINE_WEIGHT) for s in line]
    return _descant(context)


def _descant(context: ArrangementContext) -> list[Stroke]:
    """Return a counterline of held chord tones above the melody; each tone is the nearest one to the tone before."""
    strokes: list[Stroke] = []
    before = _DESCANT[len(_DESCANT) // 2]
    for span in context.spans:
        sung = [p for p in context.lead[span.start : span.end] if p is not None]
        floor = max(sung, default=0) + _DESCANT_GAP
        tones = [p for p in _DESCANT if p >= floor and p % 12 in span.chord.pitch_classes]
        if tones and span.end <= context.groove_bars * context.bar_steps:
            before = min(tones, key=lambda p: abs(p - before))
            strokes.append(Stroke(span.start, span.end - span.start, before, _DESCANT_WEIGHT))
    return strokes
