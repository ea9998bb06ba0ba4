"""Chooses the pitches of a section's melody after its rhythm has been fixed."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.song import SectionKind
from model.studio.composing.decisions.lines import SungLine
from model.studio.composing.decisions.melody_bias import FORBIDDEN, pentatonic_bias
from model.studio.composing.decisions.pitches import (
    LOG_PROB_WEIGHT,
    MOTIF_WEIGHT,
    PITCH_CLASSES,
    AskedInterval,
    MelodyNote,
    Weights,
    choose_pitches,
    note_bias,
    tone_direction,
)
from model.studio.composing.decisions.registers import register_bias
from model.studio.composing.profiles import profile_of
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.token_layout import TokenLayout
from model.studio.composing.tokens import FIRST_PITCH, LOWEST, NO_CHORD, PITCHES, Classes
from model.studio.notation.score import STEPS_PER_BEAT

_PARALLEL_PITCH = 1.2
_ANSWER_WEIGHT, _CONTOUR_WEIGHT = 2.2, 1.6
_ANSWERS_TONES = 0.9
"""Weight, in the melody of a line, of the lexical tones of a later line that varies this melody."""

_LEAST_LOG_PROB = -7.0


@dataclass(frozen=True, slots=True)
class Moves:
    """Statistics of melodic intervals, and the weight of lexical tones.

    `intervals` [37] is the log probability of each distance in semitones between two notes; `tone_weight` is the weight
    of the lexical tones of the words relative to the intervals.
    """

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
    """Return the melody of a section as one class (rest, hold or pitch) per step: the rhythm of `sampled`, with the
    most probable sequence of pitches.

    A song that does not end with the caller's melody ends on the tonic, even if its melody repeats an earlier one.

    Args:
        layout: the section's tokens; melody that is known in them stays.
        lines: the rhythm of the sung lines.
        sampled: melody classes [steps] after the last denoising step.
        log_probs: the network's log probabilities [steps, 39] a few denoising steps before the end, when several
            pitches are still possible.
        moves: statistics of melodic intervals.
    """
    known = layout.section_known() == 1
    melody = np.where(known, layout.section_melody(), sampled)
    onsets = np.flatnonzero(melody >= FIRST_PITCH)
    fixed = known[onsets]
    if spec.final and len(onsets) and onsets[-1] >= spec.anchor_end:
        fixed[-1] = False
    notes = _asked(spec, layout, lines, onsets)
    weights = _weights(spec, lines, onsets, notes, log_probs)
    _fix(weights, fixed, melody[onsets][fixed])
    find = _Search(spec, weights, directions(spec, lines, notes), moves)
    motif = _motif_intervals(spec, lines, onsets)
    melody[onsets] = find.path(motif)
    asked = [m or a for m, a in zip(motif, _answered_intervals(spec, lines, onsets, melody), strict=True)]
    melody[onsets] = find.path(asked, _parallel_bias(spec, layout, lines, onsets, melody))
    if twins := _twins(spec, lines, melody, set(onsets[fixed].tolist())):
        _fix(weights, np.isin(onsets, list(twins)), np.array(list(twins.values())))
        melody[onsets] = find.path(asked)
    return melody


@dataclass(frozen=True, slots=True)
class _Search:
    """Search for the most probable sequence of pitches of a section's melody.

    `weights` [notes, 37] are the log weights of each pitch, `rises` the direction (-1 down to 1 up) that the tones of
    the words prefer from each note to the next, `moves` the statistics of melodic intervals.
    """

    spec: SectionSpec
    weights: Weights
    rises: Sequence[float]
    moves: Moves

    def path(self, asked: Sequence[AskedInterval | None], bias: Weights | float = 0.0) -> Classes:
        """Return the melody class (pitch index) of each note on the most probable path. `asked` are preferred intervals
        from note to note, `bias` [notes, 37] is added to the weights.
        """
        usual, profile = self.moves, profile_of(self.spec.genre)
        weights = self.weights + bias
        pitches = choose_pitches(weights, self.rises, usual.intervals, usual.tone_weight, asked, profile)
        return np.array(pitches, dtype=np.int64) - LOWEST + FIRST_PITCH


def _weights(
    spec: SectionSpec, lines: Sequence[SungLine], onsets: Classes, notes: list[MelodyNote], log_probs: Weights
) -> Weights:
    """Return the log weights [notes, 37] of every pitch for each note. `onsets` holds the step of each note,
    `log_probs` [steps, 39] the network's log probabilities. The last note of a song must be the tonic, unless it
    belongs to the caller's melody.
    """
    weights = LOG_PROB_WEIGHT * _loosened(log_probs[onsets][:, FIRST_PITCH:]) + note_bias(notes, spec.minor)
    weights += pentatonic_bias(spec) + register_bias(spec, lines, onsets)
    for degree, bias in profile_of(spec.genre).degrees:
        weights[:, degree == PITCH_CLASSES] += bias
    if spec.final and len(onsets) and onsets[-1] >= spec.anchor_end:
        weights[-1, (9 if spec.minor else 0) != PITCH_CLASSES] += FORBIDDEN / 2
    return weights


def _fix(weights: Weights, notes: NDArray[np.bool_], classes: Classes) -> None:
    """Change the log weights in place: the notes marked in `notes` may only have the melody classes `classes`."""
    weights[notes] = -1e6
    weights[notes, classes - FIRST_PITCH] = 0.0


def _loosened(log_probs: Weights) -> Weights:
    """Return the network's log probabilities, raised to a lower limit for all allowed pitches, because the network is
    too certain.
    """
    out: Weights = np.where(log_probs > FORBIDDEN / 2, np.maximum(log_probs, _LEAST_LOG_PROB), log_probs)
    return out


def _motif_intervals(spec: SectionSpec, lines: Sequence[SungLine], onsets: Classes) -> list[AskedInterval | None]:
    """Return for each note, whose step is in `onsets`, the interval to the next note in the motif of the caller's
    melody; `None` for a note outside the motif.
    """
    asked: dict[int, AskedInterval] = {}
    if spec.motif is not None:
        for line in lines:
            for note, onset in enumerate(line.onsets[:-1]):
                if (interval := spec.motif.after(note)) is not None:
                    asked[onset] = AskedInterval(interval, MOTIF_WEIGHT)
    return [asked.get(step) for step in onsets.tolist()]


def _answered_intervals(
    spec: SectionSpec, lines: Sequence[SungLine], onsets: Classes, melody: Classes
) -> list[AskedInterval | None]:
    """Return preferred intervals for lines that vary an earlier line: from each note to the next, the interval between
    the notes at the same places of the earlier line. Other notes get `None`.

    `onsets` holds the step of each note, `melody` [steps] the melody classes chosen so far.
    """
    asked: dict[int, AskedInterval] = {}
    for number, line in enumerate(lines):
        source = spec.answered(number)
        if source is None:
            continue
        earlier, moved = set(lines[source].onsets), _bars_between(spec, source, number)
        for one, other in itertools.pairwise(line.onsets):
            if one - moved in earlier and other - moved in earlier:
                interval = int(melody[other - moved] - melody[one - moved])
                asked[one] = AskedInterval(interval, _ANSWER_WEIGHT, _CONTOUR_WEIGHT)
    return [asked.get(step) for step in onsets.tolist()]


def directions(spec: SectionSpec, lines: Sequence[SungLine], notes: Sequence[MelodyNote]) -> list[float]:
    """Return, for each note, the direction (-1 down to 1 up) in which the lexical tones of the words should move the
    melody to the next note.

    The tones of a line that varies an earlier line also count for the earlier line, so that both can have nearly the
    same melody.
    """
    rises = {one.step: tone_direction(one.tone, other.tone) for one, other in itertools.pairwise(notes)}
    shared = dict(rises)
    for number, line in enumerate(lines):
        source = spec.answered(number)
        if source is None or spec.same_words(number) is not None:
            continue
        earlier, moved = set(lines[source].onsets), _bars_between(spec, source, number)
        for one, other in itertools.pairwise(line.onsets):
            if one - moved in earlier and other - moved in earlier:
                shared[one - moved] += _ANSWERS_TONES * rises.get(one, 0.0)
    return [min(max(shared[note.step], -1.0), 1.0) for note in notes[:-1]]


def _bars_between(spec: SectionSpec, one: int, other: int) -> int:
    """Return the number of steps from the first bar of line `one` to the first bar of line `other`."""
    return spec.bar_step(other) - spec.bar_step(one)


def _twins(spec: SectionSpec, lines: Sequence[SungLine], melody: Classes, fixed: set[int]) -> dict[int, int]:
    """Return the melody classes that lines with the same words must share, by step: the class that the first such line
    has at the same place.

    Notes of the first line itself are included; steps in `fixed` are left out.
    """
    twins: dict[int, int] = {}
    for number, line in enumerate(lines):
        source = spec.same_words(number)
        if source is None or len(line.onsets) != len(lines[source].onsets):
            continue
        for one, other in zip(lines[source].onsets, line.onsets, strict=True):
            twins[one] = twins[other] = int(melody[one])
    return {step: pitch for step, pitch in sorted(twins.items()) if step not in fixed}


def _parallel_bias(
    spec: SectionSpec, layout: TokenLayout, lines: Sequence[SungLine], onsets: Classes, melody: Classes
) -> Weights:
    """Return the bias [notes, 37] for lines that vary an earlier line: towards the pitches of the earlier line in
    `melody` [steps] wherever rhythm and chords agree. `onsets` holds the step of each note.
    """
    bias = np.zeros((len(onsets), PITCHES))
    chords = layout.chords[layout.section]
    row_of = {step: row for row, step in enumerate(onsets.tolist())}
    for number, line in enumerate(lines):
        source = spec.answered(number) if spec.takes_up else number - 2
        if source is None or source < 0:
            continue
        then, moved = set(lines[source].onsets), _bars_between(spec, source, number)
        for step in line.onsets[:-1]:
            same_chord = chords[step // STEPS_PER_BEAT] == chords[max(step - moved, 0) // STEPS_PER_BEAT]
            if step - moved in then and same_chord:
                bias[row_of[step], melody[step - moved] - FIRST_PITCH] = _PARALLEL_PITCH
    return bias


def _asked(spec: SectionSpec, layout: TokenLayout, lines: Sequence[SungLine], onsets: Classes) -> list[MelodyNote]:
    chords = layout.chords[layout.section]
    strong = spec.steps_per_bar if spec.beats_per_bar % 2 else 2 * STEPS_PER_BEAT
    notes = {
        step: MelodyNote(step, int(chords[step // STEPS_PER_BEAT]), strong=step % strong == 0)
        for step in onsets.tolist()
    }
    for one, other in itertools.pairwise(onsets.tolist()):
        notes[one] = replace(notes[one], held=other - one >= STEPS_PER_BEAT)
    for line, tones in zip(lines, spec.lines, strict=True):
        for step, tone in zip(line.onsets, tones, strict=False):
            notes[step] = replace(notes[step], tone=tone)
        if line.onsets:
            notes[line.onsets[-1]] = replace(notes[line.onsets[-1]], cadence=True, held=True)
    if notes and (spec.final or (spec.kind is SectionKind.CHORUS and not spec.played)):
        last = max(notes) if spec.final or not lines or not lines[-1].onsets else lines[-1].onsets[-1]
        notes[last] = replace(notes[last], cadence=True, tonic=spec.final or chords[last // STEPS_PER_BEAT] != NO_CHORD)
    return [notes[step] for step in onsets.tolist()]
