"""Arranges a section: turns its melody and chords into a part for every instrument of the style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from model.song import SectionKind
from model.studio.arrange.answers import answers
from model.studio.arrange.bass import bass
from model.studio.arrange.comping import guitar, keys
from model.studio.arrange.context import ONCE, ArrangementContext, Turn, make_context
from model.studio.arrange.drums.drummer import drums
from model.studio.arrange.dynamics import entrance, layers, silences
from model.studio.arrange.humanize import perform
from model.studio.arrange.lead import lead
from model.studio.arrange.ornaments import double, ornament, without_overlap
from model.studio.arrange.pads import arpeggio, pad
from model.studio.arrange.tablature import Stroke
from model.studio.arrange.voicing import Voicing, voice
from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.score import Score
from model.studio.style import Style, Track


@dataclass(frozen=True, slots=True)
class ArrangerState:
    """State of the arranger that one section hands on to the next.

    `voicing` holds the MIDI pitches of the section's last chord, `bass` its last bass pitch (`None` for a section
    without a bass), `tonic` the pitch class of its tonic, `played` the number of sections arranged so far; `seed`
    determines the choice of patterns in the song.
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
    turn: Turn = ONCE,
    lifted: int = 0,
) -> tuple[Arrangement, ArrangerState]:
    """Arrange one section: return the notes of every track, and the arranger's state for the next section. The same
    arguments always give the same result.

    Args:
        score: melody and chords at sounding pitch, at least one bar.
        kind: kind of the section, such as chorus; all sections of a kind have the same drum pattern, and
            alternate between the patterns of the other instruments.
        style: instruments, groove and energy; tracks without an instrument are silent.
        previous: state after the previous section, `None` for the first section.
        following: kind of the next section; `None` at the end of the song, where the last bar holds the final chord.
        seed: determines the choice of patterns in the song if this is its first section; otherwise it has no effect.
        sung: True if the melody has words; then a voice sings the melody, and no instrument plays it.
        turn: position of the section among those of its kind.
        lifted: semitones by which the key lies above that of the previous section.

    Returns:
        The notes of all tracks, and the state for the next section.
    """
    context = make_context(
        score,
        kind,
        style,
        following=following,
        seed=previous.seed if previous else seed,
        sung=sung,
        played=previous.played if previous else 0,
        tonic=(previous.tonic + lifted) % 12 if previous else None,
        turn=turn,
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
            return _lead(context, voicings)
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
    """Return the played notes of each track. A track plays only from the step that `entrance` returns up to the step
    that `silences` returns.
    """
    audible = {track: _audible(context, track, part) for track, part in strokes.items()}
    return {track: perform(context, track, part) for track, part in audible.items() if part}


def _audible(context: ArrangementContext, track: Track, part: Sequence[Stroke]) -> list[Stroke]:
    first, last = entrance(context, track), silences(context, track)
    return [replace(s, length=min(s.length, last - s.start)) for s in part if first <= s.start < last]


def _lead(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return the part of the melody's instrument: the melody notes that nobody sings, and short answers to the
    singer.
    """
    alone = context.kind is SectionKind.CHORUS and not context.sung and context.player(Track.ORNAMENT) is None
    tune = lead(context)
    return tune + without_overlap(answers(context, voicings), tune) + (double(context) if alone else [])
