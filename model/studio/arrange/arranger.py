"""The arranger: expands a section's melody and chords into a part for every player of the style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.song import SectionKind
from model.studio.arrange.bass import bass
from model.studio.arrange.comping import guitar, keys
from model.studio.arrange.drums.drummer import drums
from model.studio.arrange.dynamics import entrance, layers
from model.studio.arrange.humanize import perform
from model.studio.arrange.lead import lead
from model.studio.arrange.ornaments import double, ornament
from model.studio.arrange.pads import arpeggio, pad
from model.studio.arrange.scene import Scene, make_scene
from model.studio.arrange.tabs import Stroke
from model.studio.arrange.voicing import Voicing, voice
from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.score import Score
from model.studio.style import Style, Track


@dataclass(frozen=True, slots=True)
class Hand:
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
    previous: Hand | None,
    following: SectionKind | None,
    seed: int,
    sung: bool,
) -> tuple[Arrangement, Hand]:
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
    scene = make_scene(
        score,
        kind,
        style,
        following=following,
        seed=previous.seed if previous else seed,
        sung=sung,
        played=previous.played if previous else 0,
        tonic=previous.tonic if previous else None,
    )
    voicings = voice(scene, previous.voicing if previous else ())
    strokes = {track: _part(scene, track, voicings, previous) for track in sorted(layers(scene))}
    bass_line = strokes.get(Track.BASS)
    hand = Hand(voicings[-1], bass_line[-1].pitch if bass_line else None, scene.tonic, scene.played + 1, scene.seed)
    return Arrangement(score.bars, _performed(scene, strokes)), hand


def _part(scene: Scene, track: Track, voicings: Sequence[Voicing], previous: Hand | None) -> list[Stroke]:
    match track:
        case Track.LEAD:
            return _lead(scene)
        case Track.KEYS:
            return keys(scene, voicings)
        case Track.GUITAR:
            return guitar(scene, voicings)
        case Track.PAD:
            return pad(scene, voicings)
        case Track.BASS:
            return bass(scene, previous.bass if previous else None)
        case Track.ARPEGGIO:
            return arpeggio(scene, voicings)
        case Track.ORNAMENT:
            return ornament(scene, voicings)
        case Track.DRUMS:
            return drums(scene)


def _performed(scene: Scene, strokes: Mapping[Track, Sequence[Stroke]]) -> dict[Track, tuple[TrackNote, ...]]:
    """The parts as they sound, each from its player's entrance on."""
    heard = {track: [s for s in part if s.start >= entrance(scene, track)] for track, part in strokes.items()}
    return {track: perform(scene, track, part) for track, part in heard.items() if part}


def _lead(scene: Scene) -> list[Stroke]:
    """The melody, doubled by its own player in an instrumental chorus that has nobody else to do it."""
    alone = scene.kind is SectionKind.CHORUS and not scene.sung and scene.player(Track.ORNAMENT) is None
    return lead(scene) + (double(scene) if alone else [])
