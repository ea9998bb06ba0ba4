"""Lays a section out as the token sequence of the score network: earlier music, conditions, and the tokens already
decided.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.song import SectionKind
from model.studio.composing.conditions import (
    UNKNOWN_DENSITY,
    UNKNOWN_POSITION,
    UNKNOWN_REGISTER,
    Conditions,
    Hint,
    Style,
    TokenKind,
    density_index,
    position_index,
    register_index,
    tempo_index,
)
from model.studio.composing.network.condition_encoder import Known
from model.studio.composing.network.config import SLOTS
from model.studio.composing.section_spec import Memory, Phrase, Rendition, SectionSpec
from model.studio.composing.tokens import FIRST_PITCH, HOLD, NO_CHORD, REST, Classes, chord_index, melody_classes
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT, Chord, Note, Quality

TAIL_BARS = 2
"""Number of bars of the previous section that precede the section as known context."""

BUCKET_BARS = (4, 6, 10, 14, 18)
"""Padded lengths in bars. A section is always computed at its own padded length, whatever else is in the batch."""

_PHRASE_BARS = 8

_KINDS = {
    SectionKind.VERSE: (TokenKind.VERSE, 63.5),
    SectionKind.PRE_CHORUS: (TokenKind.PRE_CHORUS, 65.0),
    SectionKind.CHORUS: (TokenKind.CHORUS, 66.5),
    SectionKind.BRIDGE: (TokenKind.BRIDGE, 66.0),
    SectionKind.INTRO: (TokenKind.UNKNOWN, 67.0),
    SectionKind.INST: (TokenKind.UNKNOWN, 68.0),
    SectionKind.OUTRO: (TokenKind.UNKNOWN, 65.0),
}
"""The network's kind for each section kind, and the requested mean sounding pitch; the annotated intros and interludes
of the training songs have no melody.
"""

_BORROWS = {SectionKind.OUTRO: SectionKind.CHORUS}
"""For a kind of section, the kind whose chords it repeats if the song has had no section of its own kind."""


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """The token sequence of one section with the music before it: token classes, conditions and a mask of the known
    classes, padded to one of a few lengths.

    `melody` [beats, 4], `chords` [beats], `mask` [beats, 5], `hint` [beats, 4] and `per_beat` [beats, 5] (bar, left,
    kind, density, register) have one row per beat: `prefix` beats of the music before, the section's beats, then
    padding. The network's bars always have four beats; in a waltz (`beats_per_bar` 3) the fourth prolongs the third.
    """

    prefix: int
    beats: int
    melody: Classes
    chords: Classes
    mask: Classes
    hint: Classes
    per_beat: Classes
    beats_per_bar: int = BEATS_PER_BAR

    @property
    def section(self) -> slice | Classes:
        """Indices of the section's own beats: all of them, or in a waltz the first three of each of the network's
        bars.
        """
        if self.beats_per_bar == BEATS_PER_BAR:
            return slice(self.prefix, self.beats)
        beats = np.arange(self.prefix, self.beats)
        return beats[beats % BEATS_PER_BAR < self.beats_per_bar]

    @property
    def left_out(self) -> Classes:
        """Indices of the beats that only the network's four-beat bars have: the fourth beat of each bar in a waltz."""
        beats = np.arange(self.beats)
        return beats[beats % BEATS_PER_BAR >= self.beats_per_bar]

    def section_of(self, values: Tensor) -> Tensor:
        """Return the part of a network output [beats, ...] that belongs to the section."""
        section = self.section
        return values[section] if isinstance(section, slice) else values[torch.from_numpy(section)]

    def section_melody(self) -> Classes:
        """Return a copy of the section's melody classes, [steps]."""
        return self.melody[self.section].reshape(-1).copy()

    def section_known(self) -> Classes:
        """Return a copy of the mask [steps] of the section's melody: 1 where the melody class is known."""
        return self.mask[self.section, :STEPS_PER_BEAT].reshape(-1).copy()

    def valid(self) -> Tensor:
        """Return the padding mask [1, tokens] of the token sequence: 1 for beats, 0 for padding."""
        return (torch.arange(len(self.chords)) < self.beats).float()[None]

    def conditions(self, spec: SectionSpec) -> Conditions:
        """Return the conditioning inputs of the network for this section, as a batch of one."""
        bar, left, kind, density, register = torch.from_numpy(self.per_beat)[None].unbind(-1)
        beat = torch.arange(len(self.chords)).remainder(BEATS_PER_BAR)[None]
        mode, tempo = torch.tensor([int(spec.minor)]), torch.tensor([tempo_index(spec.tempo_bpm)])
        hint, style = torch.from_numpy(self.hint)[None], torch.tensor([int(Style.POP)])
        return Conditions(beat, bar, left, kind, density, register, hint, mode, tempo, style)

    def known(self) -> Known:
        """Return the known token classes of the section and their mask, as a batch of one."""
        melody, chords, mask = map(torch.from_numpy, (self.melody, self.chords, self.mask))
        return Known(melody[None], chords[None], mask[None].float())

    def give_melody(self, melody: Classes, known: Classes) -> None:
        """Write the section's melody classes and the mask of its known steps, [steps] each, into the layout, and set
        the rhythm hints of known steps.
        """
        self.melody[self.section] = melody.reshape(-1, STEPS_PER_BEAT)
        self.mask[self.section, :STEPS_PER_BEAT] = known.reshape(-1, STEPS_PER_BEAT)
        given = self.mask[:, :STEPS_PER_BEAT] == 1
        self.hint[given] = hints_of(self.melody)[given]
        self.prolong()

    def give_chords(self, beats: slice, chords: Classes | int) -> None:
        """Write chord classes into beats of the section and mark them as known."""
        places = np.arange(len(self.chords))[self.section][beats]
        self.chords[places] = chords
        self.mask[places, STEPS_PER_BEAT] = 1
        self.prolong()

    def give_rhythm(self, hint: Classes) -> None:
        """Write the rhythm hints [steps] of the section into the layout."""
        self.hint[self.section] = hint.reshape(-1, STEPS_PER_BEAT)
        self.prolong()

    def prolong(self) -> None:
        """In a waltz, repeat the chord and hold the note of each bar's third beat on the fourth beat of the network's
        bar.
        """
        for beat in self.left_out.tolist():
            self.chords[beat] = self.chords[beat - 1]
            self.mask[beat, :STEPS_PER_BEAT] = self.mask[beat - 1, STEPS_PER_BEAT - 1]
            self.mask[beat, STEPS_PER_BEAT] = self.mask[beat - 1, STEPS_PER_BEAT]
            self.melody[beat] = min(int(self.melody[beat - 1, -1]), HOLD)
            self.hint[beat] = min(int(self.hint[beat - 1, -1]), Hint.HOLD)


def lay_out(spec: SectionSpec, memory: Memory) -> TokenLayout:
    """Return the token layout of a section before its first denoising step. Tokens that the caller gives or that repeat
    earlier sections are filled in as known.
    """
    layout = _empty_layout(spec, memory)
    _recall_chords(layout, spec, memory)
    _recall_lines(layout, spec, memory)
    _recall_tune(layout, spec, memory.rendition(spec.kind))
    if spec.final:
        tonic = Chord(9, Quality.MINOR) if spec.minor else Chord(0, Quality.MAJOR)
        layout.give_chords(slice(spec.beats - spec.beats_per_bar, spec.beats), chord_index(tonic))
    _place_anchor(layout, spec)
    return layout


def padded_length(spec: SectionSpec, *, follows: bool) -> int:
    """Return the number of tokens of the section after padding; with `follows`, including bars of the previous
    section.
    """
    return _bucket(spec.bars + (TAIL_BARS if follows else 0))


def _bucket(bars: int) -> int:
    return next(length for length in BUCKET_BARS if length >= bars) * BEATS_PER_BAR


def hints_of(melody: Classes) -> Classes:
    """Return the rhythm hint (rest, hold or onset) for each melody class, in the same shape."""
    return np.where(melody == REST, Hint.REST, np.where(melody == HOLD, Hint.HOLD, Hint.ONSET)).astype(np.int64)


def given_notes(spec: SectionSpec) -> list[Note]:
    """Return the notes of the caller's melody (the anchor) in C major / A minor, up to the end of the section.

    A note held into a line with too little room for its syllables is divided at the start of that line.
    """
    home = (Note(note.start, note.length, note.pitch - spec.transpose) for note in spec.anchor)
    notes = [replace(note, length=min(note.end, spec.steps) - note.start) for note in home if note.start < spec.steps]
    for (start, stop), tones in zip(spec.line_spans(), spec.lines, strict=True):
        held = next((note for note in notes if note.start < start < note.end), None)
        if held and stop - held.end < len(tones):
            place = notes.index(held)
            again = Note(start, held.end - start, held.pitch)
            notes[place : place + 1] = [replace(held, length=start - held.start), again]
    return notes


def given_steps(spec: SectionSpec) -> NDArray[np.bool_]:
    """Return a mask [steps] of the steps that the caller's melody fixes: all steps up to its end, except rests in a
    line that has too few other steps for its syllables.
    """
    notes = given_notes(spec)
    given = np.arange(spec.steps) < spec.anchor_end
    for (start, stop), tones in zip(spec.line_spans(), spec.lines, strict=True):
        own = sum(min(note.end, stop) - note.start for note in notes if start <= note.start < stop)
        if own + max(stop - max(spec.anchor_end, start), 0) < len(tones):
            ends = [min(note.end, stop) for note in notes if note.start < stop and note.end > start]
            given[max(ends, default=start) : stop] = False
    return given


def _empty_layout(spec: SectionSpec, memory: Memory) -> TokenLayout:
    tail_bars = len(memory.tail.chords) // spec.beats_per_bar if memory.tail else 0
    prefix, bars = tail_bars * BEATS_PER_BAR, tail_bars + spec.bars
    bucket = _bucket(bars)
    layout = TokenLayout(
        prefix=prefix,
        beats=bars * BEATS_PER_BAR,
        melody=np.full((bucket, STEPS_PER_BEAT), REST, dtype=np.int64),
        chords=np.full(bucket, NO_CHORD, dtype=np.int64),
        mask=np.zeros((bucket, SLOTS), dtype=np.int64),
        hint=np.full((bucket, STEPS_PER_BEAT), Hint.UNKNOWN, dtype=np.int64),
        per_beat=_per_beat(spec, prefix, bucket),
        beats_per_bar=spec.beats_per_bar,
    )
    if memory.tail:
        heard = np.arange(prefix)
        heard = heard[heard % BEATS_PER_BAR < spec.beats_per_bar]
        layout.melody[heard] = np.array(memory.tail.melody).reshape(-1, STEPS_PER_BEAT)
        layout.chords[heard] = memory.tail.chords
        layout.mask[heard] = 1
        layout.hint[heard] = hints_of(layout.melody[heard])
        layout.prolong()
    return layout


def _per_beat(spec: SectionSpec, prefix: int, bucket: int) -> Classes:
    kind, mean_pitch = _KINDS[spec.kind]
    register = register_index(mean_pitch - spec.transpose)
    rows: list[tuple[int, ...]] = [
        (UNKNOWN_POSITION, position_index(bar), TokenKind.UNKNOWN, UNKNOWN_DENSITY, UNKNOWN_REGISTER)
        for bar in reversed(range(prefix // BEATS_PER_BAR))
    ]
    for bar, density in enumerate(_densities(spec)):
        in_phrase = bar % _PHRASE_BARS
        phrase = min(_PHRASE_BARS, spec.bars - bar + in_phrase)
        place = (position_index(in_phrase), position_index(phrase - 1 - in_phrase))
        rows.append((*place, kind, density_index(density), register))
    rows += [rows[-1]] * (bucket // BEATS_PER_BAR - len(rows))
    return np.array(rows, dtype=np.int64).repeat(BEATS_PER_BAR, 0)


def _densities(spec: SectionSpec) -> list[float]:
    """Return the requested notes per bar for each bar of the section: from the number of syllables in sung lines,
    otherwise `spec.density`.
    """
    densities: list[float] = []
    for tones, bars in zip(spec.lines, spec.line_bars, strict=True):
        densities += [len(tones) / bars] * bars
    return densities + [spec.density] * (spec.bars - len(densities))


def _recall_chords(layout: TokenLayout, spec: SectionSpec, memory: Memory) -> None:
    """Write the chords of the first section of this kind into the layout as known; in a section that an instrument
    plays, only the chords of its lines.

    The last bar of a sung section stays free, because its chords may lead to another section; in 29 % of the
    repetitions in POP909 that bar differs, twice as often as the bars before it.
    """
    source = memory.rendition(spec.kind) or memory.rendition(_BORROWS.get(spec.kind, spec.kind))
    if source is not None:
        quoted = sum(spec.line_bars) * spec.beats_per_bar
        kept = quoted if spec.played else spec.beats - bool(spec.lines) * spec.beats_per_bar
        count = min(len(source.chords), kept)
        layout.give_chords(slice(count), np.array(source.chords[:count]))


def _recall_lines(layout: TokenLayout, spec: SectionSpec, memory: Memory) -> None:
    """Fill in the lines whose words an earlier section of this kind had: write their melody and chords as known."""
    melody, known = layout.section_melody(), layout.section_known()
    for line, (start, stop) in enumerate(spec.line_spans()):
        phrase = memory.phrase(spec.kind, spec.identity(line))
        beats = spec.line_beats(line)
        if phrase is None or not _fits(phrase, start - beats.start * STEPS_PER_BEAT, stop - start):
            continue
        steps = min(stop - start, len(phrase.melody))
        melody[start : start + steps] = phrase.melody[:steps]
        melody[start + steps : stop] = REST
        known[start:stop] = 1
        beats = slice(beats.start, min(beats.stop, beats.start + len(phrase.chords)))
        layout.give_chords(beats, np.array(phrase.chords[: beats.stop - beats.start]))
    layout.give_melody(melody, known)


def _fits(phrase: Phrase, entry: int, steps: int) -> bool:
    """Return True if the first note of a phrase is at step `entry` of its first bar, and its last note begins within
    `steps` steps.
    """
    onsets = np.flatnonzero(np.array(phrase.melody) >= FIRST_PITCH)
    return phrase.entry == entry and (not len(onsets) or int(onsets[-1]) < steps)


def _recall_tune(layout: TokenLayout, spec: SectionSpec, rendition: Rendition | None) -> None:
    """Copy the melody of an earlier instrumental section of this kind into the layout as known, if it is long
    enough.
    """
    earlier = np.array(rendition.melody if rendition and not rendition.spans else ())
    if spec.lines or len(earlier) < spec.steps or not spec.steps:
        return
    layout.give_melody(earlier[: spec.steps], np.ones(spec.steps, dtype=np.int64))


def _place_anchor(layout: TokenLayout, spec: SectionSpec) -> None:
    if not spec.anchor:
        return
    melody, known = layout.section_melody(), layout.section_known()
    given = given_steps(spec)
    melody[given] = melody_classes(given_notes(spec), spec.steps)[given]
    known[given] = 1
    layout.give_melody(melody, known)
