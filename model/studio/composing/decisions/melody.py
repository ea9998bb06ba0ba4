"""The melody of a section: pitches on the rhythm that is fixed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.song import SectionKind
from model.studio.composing.decisions.lines import SungLine
from model.studio.composing.decisions.melody_bias import FORBIDDEN, pentatonic_bias
from model.studio.composing.decisions.pitches import (
    LOG_PROB_WEIGHT,
    PITCH_CLASSES,
    MelodyNote,
    Weights,
    choose_pitches,
    note_bias,
)
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.token_layout import TokenLayout
from model.studio.composing.tokens import FIRST_PITCH, LOWEST, NO_CHORD, PITCHES, Classes
from model.studio.notation.score import STEPS_PER_BEAT

_PARALLEL_PITCH = 1.2


@dataclass(frozen=True, slots=True)
class Moves:
    """Statistics of melodic intervals: log probability [37] of each distance in semitones, and the weight of the
    lexical tones."""

    intervals: Weights
    tone_weight: float


def write_melody(
    spec: SectionSpec,
    layout: TokenLayout,
    lines: Sequence[SungLine],
    sampled: Classes,
    log_probs: Weights,
    moves: Moves,
) -> Classes:
    """Melody classes [steps] of the section: rhythm as sampled and fixed, pitches by the best path.

    A song that does not end with the caller's melody ends on the tonic, even where the tune is one heard before.

    Args:
        sampled: classes [steps] that the last step settled on.
        log_probs: log probabilities [steps, 39] from before the last steps, still soft.
        moves: what is usual between one note and the next.
    """
    known = layout.section_known() == 1
    melody = np.where(known, layout.section_melody(), sampled)
    onsets = np.flatnonzero(melody >= FIRST_PITCH)
    notes = _asked(spec, layout, lines, onsets)
    weights = LOG_PROB_WEIGHT * log_probs[onsets][:, FIRST_PITCH:] + note_bias(notes, spec.minor)
    weights += pentatonic_bias(spec)
    fixed = known[onsets]
    if spec.final and len(onsets) and onsets[-1] >= spec.anchor_end:
        fixed[-1] = False
        weights[-1, (9 if spec.minor else 0) != PITCH_CLASSES] += FORBIDDEN / 2
    weights[fixed] = -1e6
    weights[fixed, melody[onsets][fixed] - FIRST_PITCH] = 0.0
    tones = [note.tone for note in notes]
    taken_up = _motif_intervals(spec, lines, onsets)
    for bias in (np.zeros_like(weights), _parallel_bias(layout, lines, onsets, melody)):
        pitches = choose_pitches(weights + bias, tones, moves.intervals, moves.tone_weight, taken_up)
        melody[onsets] = np.array(pitches, dtype=np.int64) - LOWEST + FIRST_PITCH
    return melody


def _motif_intervals(spec: SectionSpec, lines: Sequence[SungLine], onsets: Classes) -> list[int | None]:
    """For each note the interval that the motif has from it to the next; `None` where it has no say."""
    asked: dict[int, int | None] = {}
    if spec.motif is not None:
        for line in lines:
            asked |= {onset: spec.motif.after(note) for note, onset in enumerate(line.onsets[:-1])}
    return [asked.get(step) for step in onsets.tolist()]


def _parallel_bias(layout: TokenLayout, lines: Sequence[SungLine], onsets: Classes, melody: Classes) -> Weights:
    """Wishes [notes, 37] that a line takes up the pitches of the line two before it, where rhythm and chords agree."""
    bias = np.zeros((len(onsets), PITCHES))
    chords = layout.chords[layout.section]
    row_of = {step: row for row, step in enumerate(onsets.tolist())}
    for earlier, line in zip(lines, lines[2:], strict=False):
        then = {onset - earlier.start for onset in earlier.onsets}
        for step in line.onsets[:-1]:
            source = step - line.start + earlier.start
            same_chord = source < earlier.stop and chords[step // STEPS_PER_BEAT] == chords[source // STEPS_PER_BEAT]
            if step - line.start in then and same_chord:
                bias[row_of[step], melody[source] - FIRST_PITCH] = _PARALLEL_PITCH
    return bias


def _asked(spec: SectionSpec, layout: TokenLayout, lines: Sequence[SungLine], onsets: Classes) -> list[MelodyNote]:
    chords = layout.chords[layout.section]
    notes = {step: MelodyNote(step, int(chords[step // STEPS_PER_BEAT])) for step in onsets.tolist()}
    for line, tones in zip(lines, spec.lines, strict=True):
        for step, tone in zip(line.onsets, tones, strict=False):
            notes[step] = replace(notes[step], tone=tone)
        if line.onsets:
            notes[line.onsets[-1]] = replace(notes[line.onsets[-1]], cadence=True)
    if notes and (spec.final or (spec.kind is SectionKind.CHORUS and not spec.played)):
        last = max(notes) if spec.final or not lines or not lines[-1].onsets else lines[-1].onsets[-1]
        notes[last] = replace(notes[last], cadence=True, tonic=spec.final or chords[last // STEPS_PER_BEAT] != NO_CHORD)
    return [notes[step] for step in onsets.tolist()]
