"""Writes the chords of a score as chord symbols with their beats, as on a lead sheet: "Am7" from beat 1 to 4, then
"C/E".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from model.song import ChordSpan, SectionPlan
from model.studio.notation.keys import Key
from model.studio.notation.score import Chord, Colour, Quality

_SUFFIXES = {Quality.MAJOR: "", Quality.MINOR: "m", Quality.DIMINISHED: "dim"}


@dataclass(frozen=True, slots=True)
class NamedChord:
    """A chord symbol, and the beats [start, end) of its section in which the chord sounds."""

    symbol: str
    start_beat: int
    end_beat: int


def named_chords(chords: Sequence[Chord], key: Key) -> tuple[NamedChord, ...]:
    """Return the chords of a score, given for each beat, as chord symbols with spans of beats without gaps; roots are
    spelled as in `key`.
    """
    named, beat = [], 0
    for chord, beats in groupby(chords):
        end = beat + len(list(beats))
        named.append(NamedChord(_symbol(chord, key), beat, end))
        beat = end
    return tuple(named)


def _symbol(chord: Chord, key: Key) -> str:
    """Return the chord symbol of a chord, as on a lead sheet: "F#m7", "Gsus4", "C/E"."""
    seventh = chord.colour in {Colour.SEVENTH, Colour.MAJOR_SEVENTH}
    if chord.quality is Quality.DIMINISHED and seventh:
        suffix = "m7b5"
    else:
        suffix = _SUFFIXES[chord.quality] + chord.colour.value
    below = "" if chord.bass is None else f"/{key.pitch_names[chord.bass]}"
    return key.pitch_names[chord.root] + suffix + below


def chord_spans(named: Sequence[NamedChord], section: SectionPlan, tempo_bpm: float) -> tuple[ChordSpan, ...]:
    """Return the chord symbols of `section` with their times in seconds from the start of the song."""
    start, beat_seconds = section.start_seconds, 60.0 / tempo_bpm
    return tuple(
        ChordSpan(chord.symbol, start + chord.start_beat * beat_seconds, start + chord.end_beat * beat_seconds)
        for chord in named
    )
