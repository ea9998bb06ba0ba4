"""Arranges the vocal parts of a section: the lead voice with the words, and backing voices in a chorus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from model.song import SectionKind, Syllable
from model.studio.arrange.context import ONCE, Turn
from model.studio.arrange.duet import Share, divided
from model.studio.arrange.humanize import swung
from model.studio.arrange.lead import sung_notes
from model.studio.notation.score import STEPS_PER_BEAT, Note, Score
from model.studio.style import Mode, Style
from model.studio.voice.performance.expression import Accent, performed
from model.studio.voice.performance.manner import manner_of
from model.studio.voice.phrasing import SungNote
from model.studio.voice.pronouncing import utterance_of
from model.studio.voice.vocalist import Singer

_EFFORT: Mapping[SectionKind, float] = MappingProxyType(
    {
        SectionKind.INTRO: 0.45,
        SectionKind.VERSE: 0.50,
        SectionKind.PRE_CHORUS: 0.62,
        SectionKind.CHORUS: 0.80,
        SectionKind.BRIDGE: 0.66,
        SectionKind.INST: 0.55,
        SectionKind.OUTRO: 0.48,
    }
)
_FIRST_CHORUS_EFFORT, _LAST_CHORUS_EFFORT = -0.09, 0.08
_ENERGY_SHARE = 0.3
_DOWNBEAT_STRESS = 0.4
_OPENING_SECONDS = 0.07
"""Time, in seconds, for the first consonant of a section whose melody begins at the section's start."""

_BACKING_FORCE = -0.15
_BACKING_DELAYS_SECONDS = {Singer.BACKING: 0.012, Singer.DOUBLE: 0.019}
_HARMONY_REACH = range(-9, -2)
_INTERVAL_STRAIN = {3: 0.0, 4: 0.0, 8: 0.4, 9: 0.4, 5: 0.8, 7: 1.0, 6: 4.0}
_SCALES = {False: (0, 2, 4, 5, 7, 9, 11), True: (0, 2, 3, 5, 7, 8, 10)}


@dataclass(frozen=True, slots=True)
class Words:
    """The sung syllables of a section in order, and the kind of the section.

    `accents` gives the line and the stress of each syllable; without accents all syllables are in one line. `shares`
    gives the singers of each syllable in a section that the other voice of a duet takes part in; that voice is
    `other_semitones` higher. `turn` is the position of the section among those of its kind.
    """

    kind: SectionKind
    syllables: tuple[Syllable, ...]
    accents: tuple[Accent, ...] = ()
    shares: tuple[Share, ...] = ()
    other_semitones: int = 0
    turn: Turn = ONCE


def vocal_parts(
    words: Words, score: Score, style: Style, *, tonic: int, seed: int = 0
) -> dict[Singer, tuple[SungNote, ...]]:
    """Return the sung notes of each singer in a section, at the pitches of the score; times in seconds from the
    section's start.

    Lines of the other voice of a duet are sung by `Singer.SECOND`. A chorus has two more singers: `Singer.BACKING`
    sings a third or a sixth below the melody, `Singer.DOUBLE` doubles the melody, except in the first of several
    choruses. `tonic` is the pitch class of the key; `seed` varies the performance of each singer.
    """
    sung = sung_notes(score.melody)
    if not sung:
        return {}
    lead = _performed(words, sung, style, (seed, 0))
    parts = divided(lead, sung, words.shares, words.other_semitones) if words.shares else {Singer.LEAD: lead}
    if words.kind is SectionKind.CHORUS:
        below = harmony(sung, score, tonic, minor=style.mode is Mode.MINOR)
        parts[Singer.BACKING] = _behind(Singer.BACKING, _performed(words, below, style, (seed, 1)))
        if not words.turn.opens:
            parts[Singer.DOUBLE] = _behind(Singer.DOUBLE, _performed(words, sung, style, (seed, 2)))
    return parts


def _performed(words: Words, notes: Sequence[Note], style: Style, seed: Sequence[int]) -> tuple[SungNote, ...]:
    """Return the sung notes as one singer performs them: with loudness, accents and small delays."""
    sung = [_sung(words, note, style) for note in notes]
    shaped = performed(
        sung,
        _accents(words, notes, STEPS_PER_BEAT * style.beats_per_bar),
        manner_of(style.genre),
        np.random.default_rng(seed),
    )
    return (_opened(shaped[0]), *shaped[1:])


def _accents(words: Words, notes: Sequence[Note], steps_per_bar: int) -> list[Accent]:
    """Return the line and the stress of each note. A note without a syllable of its own belongs to the line of the
    previous note; a note on a downbeat has more stress.
    """
    out: list[Accent] = []
    line = 0
    for note in notes:
        own = words.accents[note.syllable] if words.accents and note.syllable is not None else Accent(line)
        line = own.line
        beat = _DOWNBEAT_STRESS * (note.start % steps_per_bar == 0)
        out.append(replace(own, stress=own.stress + beat))
    return out


def _sung(words: Words, note: Note, style: Style) -> SungNote:
    syllable = None if note.syllable is None else words.syllables[note.syllable]
    step_seconds = 60.0 / style.tempo_bpm / STEPS_PER_BEAT
    return SungNote(
        start=swung(note.start, style.swing) * step_seconds,
        end=swung(note.end, style.swing) * step_seconds,
        pitch=note.pitch,
        utterance=utterance_of(syllable) if syllable else None,
        tone=syllable.sung_tone if syllable else 0,
        force=_effort(words) + _ENERGY_SHARE * (style.energy - 0.5),
    )


def _effort(words: Words) -> float:
    """Return the vocal effort of a section, from 0 to 1, by its kind; the last of several choruses is sung with more
    effort than the first.
    """
    grown = _FIRST_CHORUS_EFFORT * words.turn.opens + _LAST_CHORUS_EFFORT * words.turn.closes
    return _EFFORT[words.kind] + grown * (words.kind is SectionKind.CHORUS)


def _opened(first: SungNote) -> SungNote:
    """Return the first sung note of a section, moved later if its initial consonant would have no time."""
    if first.utterance is None or first.utterance.onset is None:
        return first
    return replace(first, start=min(max(first.start, _OPENING_SECONDS), (first.start + first.end) / 2))


def _behind(singer: Singer, notes: Sequence[SungNote]) -> tuple[SungNote, ...]:
    """Return the notes of a backing singer: softer than the lead voice, and slightly later."""
    delay = _BACKING_DELAYS_SECONDS[singer]
    return tuple(
        replace(note, start=note.start + delay, end=note.end + delay, force=max(note.force + _BACKING_FORCE, 0.2))
        for note in notes
    )


def harmony(melody: Sequence[Note], score: Score, tonic: int, minor: bool) -> list[Note]:
    """Return a second voice below the melody, in thirds and sixths of the key that agree with the chords.

    Each note gets the pitch of lowest cost among those 3 to 9 semitones below the melody. Cheap pitches are chord tones
    on beats and in long notes, pitches of the key elsewhere, and pitches at the same distance from the melody as the
    note before.
    """
    scale = {(tonic + degree) % 12 for degree in _SCALES[minor]}
    below: list[Note] = []
    for note in melody:
        chord = score.chords[min(note.start // STEPS_PER_BEAT, len(score.chords) - 1)].pitch_classes
        usual = below[-1].pitch - melody[len(below) - 1].pitch if below else -4
        pitch = min(
            (note.pitch + gap for gap in _HARMONY_REACH),
            key=lambda pitch: _strain(pitch, note, usual, chord, scale),
        )
        below.append(replace(note, pitch=pitch))
    return below


def _strain(pitch: int, note: Note, usual: int, chord: Sequence[int], scale: set[int]) -> float:
    held = note.start % STEPS_PER_BEAT == 0 or note.length >= STEPS_PER_BEAT
    outside_chord = (1.5 if held else 0.4) * (pitch % 12 not in chord)
    outside_key = 6.0 * (pitch % 12 not in scale and pitch % 12 not in chord)
    return outside_chord + outside_key + _INTERVAL_STRAIN[note.pitch - pitch] + 0.2 * abs(pitch - note.pitch - usual)
