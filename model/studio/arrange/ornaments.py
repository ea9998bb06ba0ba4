"""Composes ornaments to the melody: runs in its rests, a countermelody below it, and a doubling an octave higher."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext, Breath, breaths
from model.studio.arrange.players import pitch_range, sustains
from model.studio.arrange.tablature import Stroke
from model.studio.arrange.voicing import LEAD_CLEARANCE, Voicing
from model.studio.style import Track

_BREATH_STEPS = 6
_RUN = range(67, 93)
_FIGURES: tuple[tuple[int, ...], ...] = ((0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3), (2, 1, 0, 1), (0, 1, 2, 1, 3))
_RUN_CHANCES: Mapping[SectionKind, float] = MappingProxyType(
    {
        SectionKind.INTRO: 0.8,
        SectionKind.VERSE: 0.5,
        SectionKind.PRE_CHORUS: 0.5,
        SectionKind.CHORUS: 0.7,
        SectionKind.BRIDGE: 0.6,
        SectionKind.INST: 0.4,
        SectionKind.OUTRO: 0.7,
    }
)
_COUNTER_STEPS = 8
_COUNTER = range(52, 77)
_DOUBLE_WEIGHT, _COUNTER_WEIGHT = 0.8, 0.95
_DOUBLE_ENERGY = 0.3


def ornament(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return the part of the instrument on the ornament track: runs in the rests of the melody; in a chorus also a
    countermelody, or a doubling of the melody if the instrument cannot hold notes.
    """
    player = context.player(Track.ORNAMENT)
    runs = _runs(context)
    if player is None or context.kind is not SectionKind.CHORUS:
        return runs
    if sustains(player):
        return without_overlap(countermelody(context, voicings), runs) + runs
    return runs + double(context, pitch_range(player)[1])


def double(context: ArrangementContext, highest: int = 96) -> list[Stroke]:
    """Return the melody an octave higher and softer, without notes above `highest`; empty in calm styles."""
    if context.style.energy < _DOUBLE_ENERGY:
        return []
    notes = [note for note in context.score.melody if note.pitch + 12 <= highest]
    return [Stroke(n.start, n.length, n.pitch + 12, _DOUBLE_WEIGHT * context.weight_at(n.start)) for n in notes]


def countermelody(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return a second line below the melody, in half notes, or in whole bars in a waltz. The line takes chord tones in
    small steps, mostly in the direction opposite to the melody.
    """
    strokes: list[Stroke] = []
    before, steps = voicings[0][-1], context.bar_steps if context.in_three else _COUNTER_STEPS
    for start in range(0, context.groove_bars * context.bar_steps, steps):
        end = min(start + steps, context.spans[context.span_at(start)].end)
        tones = _counter_tones(context, start, end)
        if tones:
            before = min(tones, key=lambda p: _counter_cost(context, start, before, p))
            strokes.append(Stroke(start, end - start, before, _COUNTER_WEIGHT))
    return strokes


def _counter_tones(context: ArrangementContext, start: int, end: int) -> list[int]:
    chord = context.spans[context.span_at(start)].chord
    lead = context.lowest_lead(start, end)
    top = _COUNTER[-1] if lead is None else lead - LEAD_CLEARANCE
    return [p for p in _COUNTER if p <= top and p % 12 in chord.pitch_classes]


def _counter_cost(context: ArrangementContext, start: int, before: int, pitch: int) -> float:
    """Return the cost of a pitch for the note of the countermelody at step `start`; the note gets the pitch of lowest
    cost.

    Each semitone from `before`, the pitch of the previous note, adds to the cost, and so do a repeated pitch, movement
    in the direction of the melody, and the pitch class of the melody.
    """
    lead, earlier = context.lead[start], context.lead[max(0, start - _COUNTER_STEPS)]
    direction = 0 if lead is None or earlier is None else lead - earlier
    along = direction * (pitch - before) > 0
    doubled = lead is not None and (lead - pitch) % 12 == 0
    return abs(pitch - before) + 3.0 * (pitch == before) + 1.5 * along + 2.0 * doubled


def _runs(context: ArrangementContext) -> list[Stroke]:
    chance = context.random("runs", context.turn.number)
    free = breaths(context.score, at_least=_BREATH_STEPS)
    chosen = [breath for breath in free if chance.random() < _RUN_CHANCES[context.kind]]
    return [stroke for breath in chosen for stroke in _run(context, breath, chance.choice(_FIGURES))]


def _run(context: ArrangementContext, breath: Breath, figure: tuple[int, ...]) -> list[Stroke]:
    """Return one run of eighth notes in a rest of the melody. The run begins on the second eighth of the rest and ends
    before the melody continues.

    `figure` holds, for each note of the run, the index of its pitch in the result of `_run_tones`.
    """
    start = breath.start + (2 if breath.start % 2 == 0 else 1)
    player = context.player(Track.ORNAMENT)
    longest = 2 if player is not None and sustains(player) else 3
    strokes: list[Stroke] = []
    for i, tone in enumerate(figure):
        step = start + 2 * i
        if step + 1 < min(breath.end, context.groove_bars * context.bar_steps):
            pitch = _run_tones(context, step)[tone]
            strokes.append(Stroke(step, min(longest, breath.end - step), pitch, 0.9 * context.weight_at(step)))
    return strokes


def _run_tones(context: ArrangementContext, step: int) -> list[int]:
    """Return the chord tones that a run may use at `step`: those in the register of runs that are more than two
    semitones from the melody.
    """
    chord, lead = context.spans[context.span_at(step)].chord, context.lead[step]
    return [p for p in _RUN if p % 12 in chord.pitch_classes and (lead is None or abs(p - lead) > 2)]


def without_overlap(line: list[Stroke], runs: list[Stroke]) -> list[Stroke]:
    """Return the notes of `line` that do not sound at the same time as a note of `runs`, which the same instrument
    plays.
    """
    return [s for s in line if not any(r.start < s.start + s.length and s.start < r.start + r.length for r in runs)]
