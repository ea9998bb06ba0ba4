"""Turns written notes into played notes: adds swing, small deviations of time and velocity, and the level of track and
section.
"""

from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType

from model.studio.arrange.context import ArrangementContext
from model.studio.arrange.drums.pockets import MOST_ON_BEATS_MS, SPREAD_MS, pocket
from model.studio.arrange.dynamics import level
from model.studio.arrange.players import folded
from model.studio.arrange.tablature import Stroke
from model.studio.notation.arrangement import TrackNote
from model.studio.notation.score import STEPS_PER_BEAT
from model.studio.style import Track

_VELOCITIES: Mapping[Track, float] = MappingProxyType(
    {
        Track.LEAD: 98,
        Track.KEYS: 86,
        Track.GUITAR: 76,
        Track.PAD: 68,
        Track.BASS: 90,
        Track.ARPEGGIO: 72,
        Track.ORNAMENT: 74,
        Track.DRUMS: 84,
    }
)
_TIMING_SECONDS: Mapping[Track, float] = MappingProxyType(
    {Track.LEAD: 0.004, Track.PAD: 0.008, Track.BASS: 0.005, Track.DRUMS: 2e-3 * SPREAD_MS}
)
_IN_THE_POCKET: Mapping[Track, float] = MappingProxyType(
    {Track.DRUMS: 1.0, Track.BASS: 0.7, Track.GUITAR: 0.5, Track.KEYS: 0.5}
)
"""Share of the groove's microtiming that each track follows, 0 to 1."""

_USUAL_TIMING_SECONDS = 0.008
_MOST_ON_BEATS_SECONDS = 1e-3 * MOST_ON_BEATS_MS
_FORCE = 0.04
_SHORTEST_STEPS = 0.25
_HALF_BEAT = STEPS_PER_BEAT / 2


def swung(step: float, swing: float) -> float:
    """Return the time, in steps, at which a note written at `step` sounds after swing: the second eighth of each beat
    is late by `swing` eighths.
    """
    beat, inside = divmod(step, STEPS_PER_BEAT)
    if inside < _HALF_BEAT:
        bent = inside * (1 + swing)
    else:
        bent = _HALF_BEAT * (1 + swing) + (inside - _HALF_BEAT) * (1 - swing)
    return beat * STEPS_PER_BEAT + bent


def perform(context: ArrangementContext, track: Track, strokes: Sequence[Stroke]) -> tuple[TrackNote, ...]:
    """Return the played notes of a track: the written notes with swing, the groove's microtiming, and a random
    deviation of at most 8 ms, within the section.

    Notes written at the same time stay together. The same context always gives the same notes.
    """
    chance = Random(f"{context.seed}/{context.played}/{track}")
    slips: dict[float, float] = {}
    notes = []
    for stroke in sorted(strokes, key=lambda s: (s.start, s.pitch)):
        slip = slips.setdefault(stroke.start, _slip(context, track, stroke.start, chance))
        notes.append(_played(context, track, stroke, slip, chance.gauss(1.0, _FORCE)))
    return tuple(sorted(notes, key=lambda n: (n.start, n.pitch)))


def _slip(context: ArrangementContext, track: Track, start: float, chance: Random) -> float:
    """Return the deviation from the grid of a note written at step `start`, in steps: the microtiming of the groove
    plus a random deviation, drawn from `chance`. The sum is limited to a few milliseconds on beats.
    """
    bound = _TIMING_SECONDS.get(track, _USUAL_TIMING_SECONDS)
    own = max(-bound, min(bound, chance.gauss(0.0, bound / 2)))
    meant = 1e-3 * _IN_THE_POCKET.get(track, 0.0) * pocket(context.style.groove).at(round(start), context.bar_steps)
    slip = meant + own
    if start % STEPS_PER_BEAT == 0:
        slip = max(-_MOST_ON_BEATS_SECONDS, min(_MOST_ON_BEATS_SECONDS, slip))
    return slip / context.step_seconds


def _played(context: ArrangementContext, track: Track, stroke: Stroke, slip: float, force: float) -> TrackNote:
    start = max(0.0, swung(stroke.start, context.style.swing) + slip)
    end = min(float(context.score.steps), swung(stroke.start + stroke.length, context.style.swing) + slip)
    velocity = _VELOCITIES[track] * _gain(context, track) * level(context, stroke.start) * stroke.weight * force
    return TrackNote(
        start, max(_SHORTEST_STEPS, end - start), _pitch(context, track, stroke), max(1, min(127, round(velocity)))
    )


def _gain(context: ArrangementContext, track: Track) -> float:
    """Return the velocity factor of a track from the energy of the style."""
    floor, ceiling = {Track.DRUMS: (0.6, 1.15), Track.LEAD: (0.9, 1.06)}.get(track, (0.84, 1.12))
    return floor + (ceiling - floor) * context.style.energy


def _pitch(context: ArrangementContext, track: Track, stroke: Stroke) -> int:
    player = context.player(track)
    if player is None or track in (Track.LEAD, Track.DRUMS):
        return stroke.pitch
    return folded(stroke.pitch, player)
