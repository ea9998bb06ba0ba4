"""Determines the dynamics of a section and the tracks that play in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext
from model.studio.notation.score import STEPS_PER_BEAT
from model.studio.style import Groove, Track, Way


class Texture(Enum):
    """Density of the accompaniment, from calm to full; each table of patterns has patterns for every density."""

    CALM = "calm"
    STEADY = "steady"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Part:
    """Dynamics and instrumentation for a kind of section.

    `level` is the velocity factor at the start of the section and grows by `rise` until its end; `layers` are the
    tracks that play.
    """

    level: float
    rise: float
    texture: Texture
    layers: frozenset[Track]


_ALL = frozenset(Track)
_PARTS: Mapping[SectionKind, Part] = MappingProxyType(
    {
        SectionKind.INTRO: Part(0.90, 0.04, Texture.CALM, _ALL - {Track.GUITAR, Track.ARPEGGIO}),
        SectionKind.VERSE: Part(0.90, 0.02, Texture.STEADY, _ALL - {Track.ARPEGGIO}),
        SectionKind.PRE_CHORUS: Part(0.94, 0.10, Texture.STEADY, _ALL - {Track.ARPEGGIO}),
        SectionKind.CHORUS: Part(1.09, 0.01, Texture.FULL, _ALL),
        SectionKind.BRIDGE: Part(0.92, 0.08, Texture.CALM, _ALL - {Track.GUITAR}),
        SectionKind.INST: Part(1.0, 0.02, Texture.STEADY, _ALL),
        SectionKind.OUTRO: Part(0.96, -0.14, Texture.CALM, _ALL - {Track.GUITAR, Track.ARPEGGIO}),
    }
)
_FOUNDATIONS = (Track.KEYS, Track.GUITAR, Track.PAD, Track.ARPEGGIO)
_GUITAR_BESIDE_KEYS_ENERGY = 0.45
_QUIET_ENERGY = 0.25
_GUITAR_LED = frozenset({Groove.ROCK, Groove.FOLK, Groove.BOSSA, Groove.REGGAE})
_DRIVEN = frozenset(Groove) - {Groove.BALLAD, Groove.CINEMATIC, Groove.AMBIENT, Groove.FOLK}
_HELD_BACK = (Track.ARPEGGIO, Track.ORNAMENT, Track.GUITAR, Track.PAD, Track.KEYS)
"""Tracks that may be silent in the first chorus: the first two of these that the style has."""

_WAITING_PLAYERS = 2
_FIRST_CHORUS_LEVEL, _LAST_CHORUS_LEVEL = -0.13, 0.12
_FEWEST_FOR_BREAKDOWN = 3
_BUILD_UP_BARS = 2
_LATE_GUITARS = frozenset({Groove.POP, Groove.BALLAD, Groove.LOFI, Groove.RNB, Groove.HIP_HOP})


def layers(context: ArrangementContext) -> frozenset[Track]:
    """Return the tracks that play in the section: those of its kind that have an instrument, and at least one chord
    instrument if the style has one.
    """
    wanted = set(_PARTS[context.kind].layers)
    if (
        context.kind is SectionKind.VERSE
        and context.style.energy < _GUITAR_BESIDE_KEYS_ENERGY
        and context.player(Track.KEYS)
    ):
        wanted.discard(Track.GUITAR)
    if context.style.groove in _GUITAR_LED:
        wanted.add(Track.GUITAR)
    foundation = _foundation(context)
    if context.turn.opens and context.kind in {SectionKind.VERSE, SectionKind.CHORUS}:
        wanted -= _waiting(context, foundation)
    if foundation:
        wanted.add(foundation)
    return frozenset(track for track in wanted if context.player(track))


def _foundation(context: ArrangementContext) -> Track | None:
    """Return the track of the chord instrument that plays in every section: the guitar in a groove that guitars lead,
    otherwise the first of `_FOUNDATIONS`; `None` if the style has none.
    """
    led = context.style.groove in _GUITAR_LED
    tracks = (Track.GUITAR, *_FOUNDATIONS) if led else _FOUNDATIONS
    return next((track for track in tracks if context.player(track)), None)


def _waiting(context: ArrangementContext, foundation: Track | None) -> set[Track]:
    """Return the tracks that stay silent in the first of several verses or choruses, so that later verses or choruses
    can have more instruments. The `foundation` never waits: it is the track of the chord instrument that plays in every
    section.
    """
    if context.kind is SectionKind.VERSE:
        return {Track.ORNAMENT}
    free = [track for track in _HELD_BACK if context.player(track) and track is not foundation]
    return set(free[:_WAITING_PLAYERS])


def in_breakdown(context: ArrangementContext) -> bool:
    """Return True for the last but one of more than three choruses; in the first half of that chorus bass, guitar and
    arpeggio are silent.
    """
    turn = context.turn
    return context.kind is SectionKind.CHORUS and turn.count > _FEWEST_FOR_BREAKDOWN and turn.number == turn.count - 2


def drops(context: ArrangementContext) -> bool:
    """Return True if the section builds up to a drop, a chorus that enters after a short silence; only in a song whose
    prompt asks for a drop.
    """
    wanted = Way.DROP in context.style.ways and context.following is SectionKind.CHORUS
    return wanted and context.kind is not SectionKind.CHORUS and context.score.bars >= _BUILD_UP_BARS


def silences(context: ArrangementContext, track: Track) -> int:
    """Return the step from which a track is silent until the end of the section.

    Before a drop (see `drops`) that step is the start of the last beat, or for the bass the start of the last bar; in
    every other section it is the end of the section.
    """
    if not drops(context):
        return context.score.steps
    return context.score.steps - (context.bar_steps if track is Track.BASS else STEPS_PER_BEAT)


def entrance(context: ArrangementContext, track: Track) -> int:
    """Return the step of the section at which a track begins to play: the middle of the section for some tracks in the
    first verse and in a breakdown (see `in_breakdown`), otherwise 0.
    """
    if in_breakdown(context) and track in {Track.BASS, Track.GUITAR, Track.ARPEGGIO}:
        others = any(context.player(each) for each in (Track.KEYS, Track.PAD))
        return context.score.bars // 2 * context.bar_steps if others else 0
    foundation = next((each for each in _FOUNDATIONS if context.player(each)), None)
    late = track is Track.PAD or (track is Track.GUITAR and context.style.groove in _LATE_GUITARS)
    waits = late and context.kind is SectionKind.VERSE and context.played <= 1 and track is not foundation
    return context.score.bars // 2 * context.bar_steps if waits else 0


def texture(context: ArrangementContext) -> Texture:
    """Return the density of the section's accompaniment."""
    usual = _PARTS[context.kind].texture
    return Texture.STEADY if usual is Texture.FULL and context.style.energy < _QUIET_ENERGY else usual


def comping_texture(context: ArrangementContext) -> Texture:
    """Return the density of the chord accompaniment: that of the section, or steady in the intro of a groove of
    `_DRIVEN`, which comprises all grooves but the calm ones, such as ballads.
    """
    driven = context.kind is SectionKind.INTRO and context.style.groove in _DRIVEN
    return Texture.STEADY if driven else texture(context)


def level(context: ArrangementContext, step: float) -> float:
    """Return the velocity factor at a step of the section, about 0.7 to 1.3."""
    part = _PARTS[context.kind]
    grown = 0.0
    if context.kind is SectionKind.CHORUS:
        grown = _FIRST_CHORUS_LEVEL * context.turn.opens + _LAST_CHORUS_LEVEL * context.turn.closes
    usual = part.level + part.rise * min(1.0, max(0.0, step / context.score.steps))
    return 1.0 + context.style.contrast * (usual - 1.0) + grown
