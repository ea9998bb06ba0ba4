"""Lays a section out as the token sequence of the score network: earlier music, conditions, and the tokens already
decided.
"""

import numpy as np

from model.song import SectionKind
from model.studio.composing.conditions import (
    UNKNOWN_DENSITY,
    UNKNOWN_POSITION,
    UNKNOWN_REGISTER,
    Hint,
    TokenKind,
    density_index,
    position_index,
    register_index,
)
from model.studio.composing.given_melody import given_notes, given_steps
from model.studio.composing.network.config import SLOTS
from model.studio.composing.section_spec import Memory, Phrase, Rendition, SectionSpec
from model.studio.composing.token_layout import TokenLayout, hints_of
from model.studio.composing.tokens import FIRST_PITCH, NO_CHORD, REST, Classes, chord_index, melody_classes
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT, Chord, Quality

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
"""For each kind of section, the kind that the network gets, and the requested mean sounding pitch (MIDI). Intros and
interludes get the kind "unknown", because the annotated ones of the training songs have no melody.
"""

_BORROWS = {SectionKind.OUTRO: SectionKind.CHORUS}
"""For a kind of section, the kind whose chords it repeats if the song has had no section of its own kind."""


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
    """Return the number of tokens of the section after padding; if `follows` is True, the number includes the last bars
    of the previous section, which come before it.
    """
    return _bucket(spec.bars + (TAIL_BARS if follows else 0))


def _bucket(bars: int) -> int:
    return next(length for length in BUCKET_BARS if length >= bars) * BEATS_PER_BAR


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
        known = np.arange(prefix)
        known = known[known % BEATS_PER_BAR < spec.beats_per_bar]
        layout.melody[known] = np.array(memory.tail.melody).reshape(-1, STEPS_PER_BEAT)
        layout.chords[known] = memory.tail.chords
        layout.mask[known] = 1
        layout.hint[known] = hints_of(layout.melody[known])
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
    """Copy the melody of `rendition`, the first section of this kind, into the layout as known. Nothing is copied if
    either section has lines, or if the earlier one is shorter.
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
