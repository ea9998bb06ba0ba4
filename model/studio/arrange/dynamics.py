"""Dynamics and instrumentation of a section."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext
from model.studio.notation.score import STEPS_PER_BAR
from model.studio.style import Groove, Track


class Texture(Enum):
    """Density of the accompaniment; patterns are listed by it."""

    CALM = "calm"
    STEADY = "steady"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Part:
    """The role of a section kind in the song's arc.

    `level` is a factor on velocities at its start, `rise` what is added until its end, `layers` who plays.
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
_GUITAR_LED = frozenset({Groove.ROCK, Groove.FOLK, Groove.BOSSA})
_DRIVEN = frozenset(Groove) - {Groove.BALLAD, Groove.CINEMATIC, Groove.AMBIENT, Groove.FOLK}
_LATE_GUITARS = frozenset({Groove.POP, Groove.BALLAD, Groove.LOFI, Groove.RNB})


def layers(context: ArrangementContext) -> frozenset[Track]:
    """Tracks that play in the section: those of its kind, and always one chord instrument if the style has any."""
    wanted = set(_PARTS[context.kind].layers)
    if (
        context.kind is SectionKind.VERSE
        and context.style.energy < _GUITAR_BESIDE_KEYS_ENERGY
        and context.player(Track.KEYS)
    ):
        wanted.discard(Track.GUITAR)
    if context.style.groove in _GUITAR_LED:
        wanted.add(Track.GUITAR)
    foundation = next((track for track in _FOUNDATIONS if context.player(track)), None)
    if foundation:
        wanted.add(foundation)
    return frozenset(track for track in wanted if context.player(track))


def entrance(context: ArrangementContext, track: Track) -> int:
    """The step at which a player comes in: some wait for the second half of a song's first verse."""
    foundation = next((each for each in _FOUNDATIONS if context.player(each)), None)
    late = track is Track.PAD or (track is Track.GUITAR and context.style.groove in _LATE_GUITARS)
    waits = late and context.kind is SectionKind.VERSE and context.played <= 1 and track is not foundation
    return context.score.bars // 2 * STEPS_PER_BAR if waits else 0


def texture(context: ArrangementContext) -> Texture:
    """Density of the section's accompaniment."""
    usual = _PARTS[context.kind].texture
    return Texture.STEADY if usual is Texture.FULL and context.style.energy < _QUIET_ENERGY else usual


def comping_texture(context: ArrangementContext) -> Texture:
    """Density of the struck chords; driven grooves have theirs from the first bar of the song on."""
    told = context.kind is SectionKind.INTRO and context.style.groove in _DRIVEN
    return Texture.STEADY if told else texture(context)


def level(context: ArrangementContext, step: float) -> float:
    """Factor on velocities at a step of the section, about 0.8 to 1.1."""
    part = _PARTS[context.kind]
    return part.level + part.rise * min(1.0, max(0.0, step / context.score.steps))
