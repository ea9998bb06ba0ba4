"""Chooses the rhythm of the melody for each sung line of a section: one note onset for each syllable."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.conditions import Hint
from model.studio.composing.decisions.rhythm import LineRequest, Weights, draw_rhythm, echo_of, onset_log_odds
from model.studio.composing.profiles import profile_of
from model.studio.composing.section_spec import Memory, Rendition, SectionSpec
from model.studio.composing.token_layout import TokenLayout
from model.studio.composing.tokens import FIRST_PITCH

_KEPT_RHYTHM = 30.0
_RECALLED_RHYTHM = 1.4
_ANSWERED_RHYTHM = 6.0
_MOTIF_RHYTHM = 6.0
_BREATH_SECONDS = 0.34


@dataclass(frozen=True, slots=True)
class SungLine:
    """The rhythm of one sung line, in steps (sixteenth notes) from the start of the section: the span of the line, the
    onsets of its notes in order, and the end of its last note.
    """

    start: int
    stop: int
    onsets: tuple[int, ...]
    end: int


def breath_steps(tempo_bpm: float) -> int:
    """Return the length of the shortest breath between two sung lines, in steps (sixteenth notes)."""
    return max(2, round(_BREATH_SECONDS * tempo_bpm / 15.0))


def choose_lines(
    spec: SectionSpec,
    layout: TokenLayout,
    memory: Memory,
    onset_probability: Weights,
    draws: NDArray[np.float64],
) -> list[SungLine]:
    """Choose the rhythm of every sung line of a section, with one note onset for each syllable. Onsets that are already
    known in `layout` stay.

    `memory` is the music of earlier sections, whose rhythms the lines tend to repeat. `onset_probability` [steps] is
    the network's probability of a note onset at each step of the section; `draws` [steps] are random numbers, uniform
    in [0, 1).
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
        twin = spec.same_words(index)
        if twin is not None and (copied := _copied(lines[twin], start, stop, free)):
            lines.append(copied)
            continue
        room = _room(spec, index)
        if missing + free - start > room:
            room = stop - start
        echo = _echo(spec, index, lines, recalled, room)
        asked = _request(spec, index, log_prob[start : start + room], missing, free - start, echo)
        chosen = draw_rhythm(asked, draws[start:stop])
        onsets = given + tuple(start + onset for onset in chosen.onsets)
        lines.append(SungLine(start, stop, onsets, start + chosen.end))
    return lines


def _request(
    spec: SectionSpec, index: int, log_prob: Weights, syllables: int, first_free: int, echo: Weights
) -> LineRequest:
    """Build the constraints for drawing the rhythm of the last `syllables` syllables of line `index`.

    `log_prob` is the network's log odds of an onset at each step of the line, `echo` the bias at each step towards a
    known rhythm. `first_free` is the first step of the line that may have an onset.
    """
    return LineRequest(
        log_prob,
        syllables,
        spec.line_spans()[index][0],
        15.0 / spec.tempo_bpm,
        profile_of(spec.genre),
        spec.stresses[index][-syllables:] if spec.stresses else (),
        echo,
        first_free,
        breath_steps(spec.tempo_bpm),
        spec.beats_per_bar,
    )


def _room(spec: SectionSpec, index: int) -> int:
    """Return the number of steps that are free for the words of line `index`: the smallest number among all lines with
    the same words.
    """
    spans = spec.line_spans()
    if spec.rooms:
        return min(spec.rooms[index], spans[index][1] - spans[index][0])
    twins = (line for line in range(index, len(spans)) if line == index or spec.same_words(line) == index)
    return min(spans[line][1] - spans[line][0] for line in twins)


def _copied(twin: SungLine, start: int, stop: int, free: int) -> SungLine | None:
    """Return the rhythm of `twin`, an earlier line with the same words, moved to the line in the steps [start, stop) of
    the section. The result is `None` if the rhythm does not fit, or if steps of the line are already fixed; `free` is
    the first step that is not fixed.
    """
    moved = start - twin.start
    if free > start or twin.onsets[-1] + moved >= stop:
        return None
    return SungLine(start, stop, tuple(onset + moved for onset in twin.onsets), min(twin.end + moved, stop))


def _echo(spec: SectionSpec, index: int, lines: Sequence[SungLine], recalled: Rendition | None, steps: int) -> Weights:
    """Return the bias [steps] towards a known rhythm for line `index`: the rhythm of the caller's motif, of the line
    with the same number in the earlier section `recalled`, or of the earlier line (one of `lines`) whose melody this
    line varies.
    """
    bias = np.zeros(steps)
    if spec.motif is not None:
        bias += echo_of(spec.motif.rhythm(steps), steps, _MOTIF_RHYTHM)
    if recalled is not None and index < len(recalled.spans):
        start, stop = recalled.spans[index]
        onsets = np.flatnonzero(np.array(recalled.melody)[start:stop] >= FIRST_PITCH)
        same = len(recalled.lines[index]) == len(spec.lines[index])
        return bias + echo_of(tuple(onsets.tolist()), steps, _KEPT_RHYTHM if same else _RECALLED_RHYTHM)
    answered = spec.answered(index)
    if answered is not None:
        moved = spec.bar_step(index) - spec.bar_step(answered) - spec.line_spans()[index][0]
        places = (onset + moved for onset in lines[answered].onsets)
        bias += echo_of(tuple(place for place in places if place >= 0), steps, _ANSWERED_RHYTHM)
    return bias


def set_rhythm_hints(layout: TokenLayout, lines: Sequence[SungLine]) -> None:
    """Write the chosen rhythm of the sung lines into the layout, as rhythm hints for the network; steps whose melody is
    known stay unchanged.
    """
    hint = layout.hint[layout.section].reshape(-1).copy()
    known = layout.section_known() == 1
    sung = slice(0, lines[-1].stop if lines else 0)
    hint[sung] = np.where(known[sung], hint[sung], Hint.REST)
    for line in lines:
        hints = np.full(line.stop - line.start, Hint.REST, dtype=np.int64)
        for onset, after in zip(line.onsets, [*line.onsets[1:], line.end], strict=True):
            hints[onset - line.start : after - line.start] = Hint.HOLD
            hints[onset - line.start] = Hint.ONSET
        hint[line.start : line.stop] = np.where(known[line.start : line.stop], hint[line.start : line.stop], hints)
    layout.give_rhythm(hint)
