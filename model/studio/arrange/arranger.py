"""The arranger: expands a section's melody and chords into a part for every player of the style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.song import SectionKind
from model.studio.arrange.bass import bass
from model.studio.arrange.comping import guitar, keys
from model.studio.arrange.context import ArrangementContext, make_context
from model.studio.arrange.drums.drummer import drums
from model.studio.arrange.dynamics import entrance, layers
from model.studio.arrange.humanize import perform
from model.studio.arrange.lead import lead
from model.studio.arrange.ornaments import double, ornament
from model.studio.arrange.pads import arpeggio, pad
from model.studio.arrange.tablature import Stroke
from model.studio.arrange.voicing import Voicing, voice
from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.score import Score
from model.studio.style import Style, Track


@dataclass(frozen=True, slots=True)
class ArrangerState:
    """State of the arranger that is kept from section to section.

    `voicing` holds the last chord's MIDI pitches, `bass` the last bass pitch, `tonic` the key's pitch class, `played`
    the number of sections so far, `seed` what the song's patterns are chosen by.
    """

    voicing: Voicing
    bass: int | None
    tonic: int
    played: int
    seed: int


def arrange(
    score: Score,
    kind: SectionKind,
    style: Style,
    *,
    previous: ArrangerState | None,
    following: SectionKind | None,
    seed: int,
    sung: bool,
) -> tuple[Arrangement, ArrangerState]:
    """Arrange one section; pure and deterministic.

    Args:
        score: melody and chords at sounding pitch, at least one bar.
        kind: sections of one kind in a song share their patterns.
        style: who plays, which groove, how strongly; players absent from it stay silent.
        previous: what the section before left behind, `None` for the first.
        following: kind of the next section; `None` ends the song, whose last bar then rings on its final chord.
        seed: decides on the patterns of the song where this is its first section; later ones keep to that.
        sung: whether the melody carries words; it is then not doubled by its own player.

    Returns:
        The parts and what the next section needs to continue them.
    """
    context = make_context(
        score,
        kind,
        style,
        following=following,
        seed=previous.seed if previous else seed,
        sung=sung,
        played=previous.played if previous else 0,
        tonic=previous.tonic if previous else None,
    )
    voicings = voice(context, previous.voicing if previous else ())
    strokes = {track: _part(context, track, voicings, previous) for track in sorted(layers(context))}
    bass_line = strokes.get(Track.BASS)
    arranger = ArrangerState(
        voicings[-1], bass_line[-1].pitch if bass_line else None, context.tonic, context.played + 1, context.seed
    )
    return Arrangement(score.bars, _performed(context, strokes)), arranger


def _part(
    context: ArrangementContext, track: Track, voicings: Sequence[Voicing], previous: ArrangerState | None
) -> list[Stroke]:
    match track:
        case Track.LEAD:
            return _lead(context)
        case Track.KEYS:
            return keys(context, voicings)
        case Track.GUITAR:
            return guitar(context, voicings)
        case Track.PAD:
            return pad(context, voicings)
        case Track.BASS:
            return bass(context, previous.bass if previous else None)
        case Track.ARPEGGIO:
            return arpeggio(context, voicings)
        case Track.ORNAMENT:
            return ornament(context, voicings)
        case Track.DRUMS:
            return drums(context)


def _performed(
    context: ArrangementContext, strokes: Mapping[Track, Sequence[Stroke]]
) -> dict[Track, tuple[TrackNote, ...]]:
    """The parts as they sound, each from its player's entrance on."""
    heard = {track: [s for s in part if s.start >= entrance(context, track)] for track, part in strokes.items()}
    return {track: perform(context, track, part) for track, part in heard.items() if part}


def _lead(context: ArrangementContext) -> list[Stroke]:
    """The melody, doubled by its own player in an instrumental chorus that has nobody else to do it."""
    alone = context.kind is SectionKind.CHORUS and not context.sung and context.player(Track.ORNAMENT) is None
    return lead(context) + (double(context) if alone else [])
