"""The rhythm of the sung lines of a section."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.studio.composing.conditions import Hint
from model.studio.composing.decisions.rhythm import Weights, choose_rhythm, echo_of, onset_log_odds
from model.studio.composing.section_spec import Memory, Rendition, SectionSpec
from model.studio.composing.token_layout import TokenLayout
from model.studio.composing.tokens import FIRST_PITCH
from model.studio.notation.score import STEPS_PER_BEAT

_KEPT_RHYTHM = 30.0
_RECALLED_RHYTHM = 1.4
_PARALLEL_RHYTHM = 1.0
_NEIGHBOUR_RHYTHM = 0.4
_MOTIF_RHYTHM = 3.0


@dataclass(frozen=True, slots=True)
class SungLine:
    """One line in steps of the section: its span, its onsets in order, and where its last note stops."""

    start: int
    stop: int
    onsets: tuple[int, ...]
    end: int


def choose_lines(spec: SectionSpec, layout: TokenLayout, memory: Memory, onset_probability: Weights) -> list[SungLine]:
    """Fix the rhythm of every sung line: one onset per syllable, apart from what is known already.

    `onset_probability` [steps] is the network's, over the section.
    """
    known = layout.section_known() == 1
    melody = layout.section_melody()
    log_prob = onset_log_odds(onset_probability)
    recalled = memory.rendition(spec.kind)
    lines: list[SungLine] = []
    for index, ((start, stop), tones) in enumerate(zip(spec.line_spans(), spec.lines, strict=True)):
        given = tuple(
            int(step) for step in start + np.flatnonzero((melody >= FIRST_PITCH)[start:stop] & known[start:stop])
        )
        free = start + int(known[start:stop].sum())
        missing = min(max(len(tones) - len(given), 0), stop - free)
        if missing == 0:
            lines.append(SungLine(start, stop, given, free))
            continue
        echo = _echo(spec, index, lines, recalled, stop - start)
        chosen = choose_rhythm(log_prob[start:stop], missing, echo, free - start)
        onsets = given + tuple(start + onset for onset in chosen.onsets)
        lines.append(SungLine(start, stop, onsets, start + chosen.end))
    return lines


def _echo(spec: SectionSpec, index: int, lines: Sequence[SungLine], recalled: Rendition | None, steps: int) -> Weights:
    """Bias towards the rhythm of the same line sung before, or of a line of equal length in this section."""
    bias = np.zeros(steps)
    if spec.motif is not None:
        bias += echo_of(spec.motif.rhythm(steps), steps, _MOTIF_RHYTHM)
    if recalled is not None and index < len(recalled.spans):
        start, stop = recalled.spans[index]
        onsets = np.flatnonzero(np.array(recalled.melody)[start:stop] >= FIRST_PITCH)
        same = len(recalled.lines[index]) == len(spec.lines[index])
        return bias + echo_of(tuple(onsets.tolist()), steps, _KEPT_RHYTHM if same else _RECALLED_RHYTHM)
    for back, strength in ((2, _PARALLEL_RHYTHM), (1, _NEIGHBOUR_RHYTHM)):
        if index >= back and len(spec.lines[index - back]) == len(spec.lines[index]):
            earlier = lines[index - back]
            bias += echo_of(tuple(onset - earlier.start for onset in earlier.onsets), steps, strength)
    return bias


def set_rhythm_hints(layout: TokenLayout, lines: Sequence[SungLine]) -> None:
    """Write the chosen rhythm into the layout's hints; what is known stays as it is."""
    hint = layout.hint[layout.section].reshape(-1).copy()
    known = layout.section_known() == 1
    for line in lines:
        wished = np.full(line.stop - line.start, Hint.REST, dtype=np.int64)
        for onset, after in zip(line.onsets, [*line.onsets[1:], line.end], strict=True):
            wished[onset - line.start : after - line.start] = Hint.HOLD
            wished[onset - line.start] = Hint.ONSET
        hint[line.start : line.stop] = np.where(known[line.start : line.stop], hint[line.start : line.stop], wished)
    layout.hint[layout.section] = hint.reshape(-1, STEPS_PER_BEAT)
