"""Adds colours to plain triads (sevenths, added tones, suspensions, inversions) where these do not clash with the
melody, as often as in songs.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from random import Random

from model.studio.composing.habits import habits
from model.studio.composing.profiles import profile_of
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.tokens import chord_of
from model.studio.notation.score import STEPS_PER_BEAT, Chord, Colour, Note, Quality

_CYCLE_BARS = 2
_HELD_STEPS = 2
_STEPWISE = 4.0
_PLAIN = "plain"
_SCALE = frozenset({0, 2, 4, 5, 7, 9, 11})
_COLOURS = {"6": Colour.SIXTH, "add9": Colour.ADDED_NINTH, "sus2": Colour.SUSPENDED_SECOND}


def coloured(spec: SectionSpec, chords: Sequence[int], melody: Sequence[Note]) -> tuple[Chord, ...]:
    """Return the chords of a section, one per beat, some of them with a colour (seventh, added tone, suspension,
    inversion).

    `chords` are chord classes (indices of triads), one per beat; `chords` and `melody` are in C major / A minor.
    Colours are as frequent as in the pop songs of POP909, times a factor of the genre, and recur in a cycle of two
    bars. The last chord of a song, and chords under the caller's melody, are plain.
    """
    runs = [(index, len(list(group))) for index, group in groupby(chords)]
    out: list[Chord] = []
    for number, (index, beats) in enumerate(runs):
        chord, start = chord_of(index), len(out)
        ends = spec.final and start + beats >= len(chords)
        if spec.anchor or ends:
            out += [chord] * beats
            continue
        before = out[-1].lowest if out else None
        after = chord_of(runs[number + 1][0]).root if number + 1 < len(runs) else None
        sung = _sung(melody, start * STEPS_PER_BEAT, (start + beats) * STEPS_PER_BEAT)
        out += _dressed(spec, index, start, beats, sung, (before, after))
    return tuple(out)


def _dressed(
    spec: SectionSpec,
    index: int,
    start: int,
    beats: int,
    sung: frozenset[int],
    neighbours: tuple[int | None, int | None],
) -> list[Chord]:
    """Return the chords, one per beat, for a triad that lasts `beats` beats from beat `start` of the section, with a
    colour drawn at random; `index` is the chord class of the triad. A suspended chord of two beats or more resolves
    half-way.

    `sung` are the pitch classes of the melody over the chord, `neighbours` the pitch classes of the lowest note of the
    chord before and of the root of the chord after, `None` where there is no chord.
    """
    chord = chord_of(index)
    usual = habits().colours[int(spec.minor)].get(index, {_PLAIN: 1.0})
    shares = _shares(chord, usual, profile_of(spec.genre).colour, sung, neighbours)
    random = Random(f"{spec.seed}/{spec.kind}/{start % (_CYCLE_BARS * spec.beats_per_bar)}/{index}")
    colour = random.choices(list(shares), list(shares.values()))[0]
    if colour == _PLAIN:
        return [chord] * beats
    if colour in {"third", "fifth"}:
        return [Chord(chord.root, chord.quality, bass=chord.pitch_classes[1 if colour == "third" else 2])] * beats
    if colour == "sus4":
        held = Chord(chord.root, chord.quality, Colour.SUSPENDED_FOURTH)
        return [held] * (beats // 2) + [chord] * (beats - beats // 2)
    return [Chord(chord.root, chord.quality, _COLOURS.get(colour, _seventh(chord)))] * beats


def _shares(
    chord: Chord,
    usual: Mapping[str, float],
    factor: float,
    sung: frozenset[int],
    neighbours: tuple[int | None, int | None],
) -> dict[str, float]:
    """Return the relative probability of each colour of a chord: its `usual` share times `factor`. Colours that clash
    with the melody are left out; inversions depend on how smoothly the bass moves.
    """
    shares = {colour: factor * share for colour, share in usual.items() if _suits(chord, colour, sung)}
    for name, place in (("third", 1), ("fifth", 2)):
        if name in shares:
            bass = chord.pitch_classes[place]
            steps = [one for one in neighbours if one is not None and (one - bass) % 12 in {1, 2, 10, 11}]
            shares[name] = usual[name] * _STEPWISE * len(steps) / 2
    return {_PLAIN: usual.get(_PLAIN, 1.0)} | {colour: share for colour, share in shares.items() if colour != _PLAIN}


def _suits(chord: Chord, colour: str, sung: frozenset[int]) -> bool:
    """Return True if the tone that a colour adds to a chord belongs to the key and is not a semitone from a melody
    tone.

    A suspension also requires that the melody does not have the third of the chord.
    """
    third = chord.pitch_classes[1]
    if colour in {"sus4", "sus2"}:
        if third in sung or chord.quality is Quality.DIMINISHED:
            return False
        tone: int | None = (chord.root + (5 if colour == "sus4" else 2)) % 12
    else:
        tone = Chord(chord.root, chord.quality, _COLOURS.get(colour, _seventh(chord))).added
    if colour in {_PLAIN, "third", "fifth"} or tone is None:
        return True
    in_key = tone in _SCALE or colour == "7"
    return in_key and not sung & {(tone + 1) % 12, (tone - 1) % 12}


def _seventh(chord: Chord) -> Colour:
    """Return the seventh to add to a chord: a major seventh for the major chords on C and F (in C major / A minor),
    otherwise a minor seventh.
    """
    if chord.quality is Quality.MAJOR and chord.root in {0, 5}:
        return Colour.MAJOR_SEVENTH
    return Colour.SEVENTH


def _sung(melody: Sequence[Note], start: int, end: int) -> frozenset[int]:
    """Return the pitch classes of the melody notes that sound for at least an eighth note between the steps `start` and
    `end`.
    """
    held = (note for note in melody if min(note.end, end) - max(note.start, start) >= _HELD_STEPS)
    return frozenset(note.pitch % 12 for note in held)
