"""The decisions that turn a network's beliefs into one score: rhythm of the lines, chords, and finally pitches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.song import SectionKind
from model.studio.composing.brief import Memory, Rendition, SectionBrief
from model.studio.composing.conditions import Hint
from model.studio.composing.melody import BELIEF_WEIGHT, PITCH_CLASSES, MelodyNote, choose_pitches, note_wishes, scale
from model.studio.composing.progressions import HarmonyTables, draw_progression
from model.studio.composing.rhythm import Weights, choose_rhythm, echo_of, onset_belief
from model.studio.composing.token_layout import TokenLayout, given_notes, given_steps
from model.studio.composing.tokens import (
    FIRST_PITCH,
    HOLD,
    LOWEST,
    MELODY_CLASSES,
    NO_CHORD,
    PITCHES,
    REST,
    Classes,
    chord_of,
    notes_of,
)
from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT, Note, Score

FORBIDDEN = -1e4

_SUNG_RANGE = {SectionKind.VERSE: (57, 72), SectionKind.PRE_CHORUS: (57, 74)}
_SUNG_RANGE_ELSEWHERE = (59, 75)
"""Sounding pitches that a voice is asked for: together an octave and a half, A3 to D#5."""

_PLAYED_RANGE = (57, 84)
_PENTATONIC = (0, 2, 4, 7, 9)
_OFF_PENTATONIC = -5.0
_OFF_SCALE = -1.5
_OPENING_OFF_SCALE = -5.0
_TRANSITION_WEIGHT = 0.5
_KEPT_RHYTHM = 30.0
_RECALLED_RHYTHM = 1.4
_PARALLEL_RHYTHM = 1.0
_NEIGHBOUR_RHYTHM = 0.4
_MOTIF_RHYTHM = 3.0
_RECALLED_PITCH = 1.4
_PARALLEL_PITCH = 1.2


@dataclass(frozen=True, slots=True)
class SungLine:
    """One line in steps of the section: its span, its onsets in order, and where its last note stops."""

    start: int
    stop: int
    onsets: tuple[int, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Moves:
    """What is known of moves from note to note: log probability [37] of each distance in semitones, and how much the
    lexical tones count."""

    intervals: Weights
    tone_weight: float


def choose_lines(
    brief: SectionBrief, layout: TokenLayout, memory: Memory, onset_probability: Weights
) -> list[SungLine]:
    """Fix the rhythm of every sung line: one onset per syllable, apart from what is known already.

    `onset_probability` [steps] is the network's, over the section.
    """
    known = layout.section_known() == 1
    melody = layout.section_melody()
    belief = onset_belief(onset_probability)
    recalled = memory.rendition(brief.kind)
    lines: list[SungLine] = []
    for index, ((start, stop), tones) in enumerate(zip(brief.line_spans(), brief.lines, strict=True)):
        given = tuple(
            int(step) for step in start + np.flatnonzero((melody >= FIRST_PITCH)[start:stop] & known[start:stop])
        )
        free = start + int(known[start:stop].sum())
        missing = min(max(len(tones) - len(given), 0), stop - free)
        if missing == 0:
            lines.append(SungLine(start, stop, given, free))
            continue
        echo = _echo(brief, index, lines, recalled, stop - start)
        chosen = choose_rhythm(belief[start:stop], missing, echo, free - start)
        onsets = given + tuple(start + onset for onset in chosen.onsets)
        lines.append(SungLine(start, stop, onsets, start + chosen.end))
    return lines


def _echo(
    brief: SectionBrief, index: int, lines: Sequence[SungLine], recalled: Rendition | None, steps: int
) -> Weights:
    """Whose rhythm a line takes up: that of the same line sung before, or of a line just as long in this section."""
    wish = np.zeros(steps)
    if brief.motif is not None:
        wish += echo_of(brief.motif.rhythm(steps), steps, _MOTIF_RHYTHM)
    if recalled is not None and index < len(recalled.spans):
        start, stop = recalled.spans[index]
        onsets = np.flatnonzero(np.array(recalled.melody)[start:stop] >= FIRST_PITCH)
        same = len(recalled.lines[index]) == len(brief.lines[index])
        return wish + echo_of(tuple(onsets.tolist()), steps, _KEPT_RHYTHM if same else _RECALLED_RHYTHM)
    for back, strength in ((2, _PARALLEL_RHYTHM), (1, _NEIGHBOUR_RHYTHM)):
        if index >= back and len(brief.lines[index - back]) == len(brief.lines[index]):
            earlier = lines[index - back]
            wish += echo_of(tuple(onset - earlier.start for onset in earlier.onsets), steps, strength)
    return wish


def ask_for_rhythm(layout: TokenLayout, lines: Sequence[SungLine]) -> None:
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


def class_bias(brief: SectionBrief, layout: TokenLayout, memory: Memory) -> NDArray[np.float32]:
    """What to add to the melody logits, [beats, 4, 39]: range, fixed rhythm, and the pull of a tune heard before."""
    bias = np.zeros((*layout.melody.shape, MELODY_CLASSES), dtype=np.float32)
    section = bias[layout.section].reshape(-1, MELODY_CLASSES)
    sung = np.zeros(len(section), dtype=np.bool_)
    for start, stop in brief.line_spans():
        sung[start:stop] = True
    low, high = _SUNG_RANGE.get(brief.kind, _SUNG_RANGE_ELSEWHERE)
    section[sung] = _outside(low - brief.transpose, high - brief.transpose)
    section[~sung] = _outside(*_PLAYED_RANGE)
    off_scale = _OFF_SCALE if memory.tail else _OPENING_OFF_SCALE
    section[:, FIRST_PITCH:] += off_scale * ~np.isin(PITCH_CLASSES, scale(brief.minor))
    section[:, FIRST_PITCH:] += _pentatonic_wishes(brief)
    section += _pull(brief, memory)
    section += _RHYTHM_BIAS[layout.hint[layout.section].reshape(-1)]
    bias[layout.section] = section.reshape(-1, STEPS_PER_BEAT, MELODY_CLASSES)
    return bias


def _pentatonic_wishes(brief: SectionBrief) -> NDArray[np.float32]:
    """Wishes [37] against the tones that a pentatonic tune leaves out: the same two in C major and A minor."""
    left_out = brief.pentatonic & ~np.isin(PITCH_CLASSES, _PENTATONIC)
    return np.asarray(_OFF_PENTATONIC * left_out, np.float32)


def _outside(low: int, high: int) -> NDArray[np.float32]:
    row = np.zeros(MELODY_CLASSES, dtype=np.float32)
    pitches = np.arange(LOWEST, LOWEST + PITCHES)
    row[FIRST_PITCH:][(pitches < low) | (pitches > high)] = FORBIDDEN
    return row


def _rhythm_bias() -> NDArray[np.float32]:
    table = np.zeros((len(Hint), MELODY_CLASSES), dtype=np.float32)
    table[Hint.REST], table[Hint.HOLD] = FORBIDDEN, FORBIDDEN
    table[Hint.REST, REST] = table[Hint.HOLD, HOLD] = 0
    table[Hint.ONSET, :FIRST_PITCH] = FORBIDDEN
    return table


_RHYTHM_BIAS = _rhythm_bias()


def _pull(brief: SectionBrief, memory: Memory) -> NDArray[np.float32]:
    """Wishes [steps, 39] for the pitch that sounded at the same place of the same line before."""
    pull = np.zeros((brief.steps, MELODY_CLASSES), dtype=np.float32)
    recalled = memory.rendition(brief.kind)
    if recalled is None:
        return pull
    sounding = _sounding(np.array(recalled.melody))
    for (start, stop), (then_start, then_stop) in zip(brief.line_spans(), recalled.spans, strict=False):
        count = min(stop - start, then_stop - then_start)
        for step, value in enumerate(sounding[then_start : then_start + count].tolist(), start=start):
            if value >= FIRST_PITCH:
                pull[step, value] = _RECALLED_PITCH
    return pull


def _sounding(melody: Classes) -> Classes:
    """Melody classes [steps] with holds replaced by the pitch they hold."""
    latest = np.maximum.accumulate(np.where(melody != HOLD, np.arange(len(melody)), 0))
    return melody[latest]


def choose_chords(
    layout: TokenLayout, brief: SectionBrief, log_odds: Weights, tables: HarmonyTables, draws: NDArray[np.float64]
) -> None:
    """Draw the section's progression from `log_odds` [beats, 37] and fix it in the layout; known chords stay."""
    moves = _TRANSITION_WEIGHT * tables.log_transitions(brief.minor, brief.chord_pace)
    odds = log_odds.copy()
    chords, known = layout.chords[layout.section], layout.mask[layout.section, STEPS_PER_BEAT] == 1
    odds[known] = -1e8
    odds[known, chords[known]] = 0.0
    if layout.prefix:
        odds[0] += moves[0][layout.chords[layout.prefix - 1]]
    layout.give_chords(layout.section, draw_progression(odds, moves, draws))


def write_melody(
    brief: SectionBrief,
    layout: TokenLayout,
    lines: Sequence[SungLine],
    sampled: Classes,
    beliefs: Weights,
    moves: Moves,
) -> Classes:
    """Melody classes [steps] of the section: rhythm as sampled and fixed, pitches by the best path.

    A song that does not end with the caller's melody ends on the tonic, even where the tune is one heard before.

    Args:
        sampled: classes [steps] that the last step settled on.
        beliefs: log probabilities [steps, 39] from before the last steps, still soft.
        moves: what is usual between one note and the next.
    """
    known = layout.section_known() == 1
    melody = np.where(known, layout.section_melody(), sampled)
    onsets = np.flatnonzero(melody >= FIRST_PITCH)
    notes = _asked(brief, layout, lines, onsets)
    weights = BELIEF_WEIGHT * beliefs[onsets][:, FIRST_PITCH:] + note_wishes(notes, brief.minor)
    weights += _pentatonic_wishes(brief)
    fixed = known[onsets]
    if brief.final and len(onsets) and onsets[-1] >= brief.anchor_end:
        fixed[-1] = False
        weights[-1, (9 if brief.minor else 0) != PITCH_CLASSES] += FORBIDDEN / 2
    weights[fixed] = -1e6
    weights[fixed, melody[onsets][fixed] - FIRST_PITCH] = 0.0
    tones = [note.tone for note in notes]
    taken_up = _motif_intervals(brief, lines, onsets)
    for wishes in (np.zeros_like(weights), _parallel_wishes(layout, lines, onsets, melody)):
        pitches = choose_pitches(weights + wishes, tones, moves.intervals, moves.tone_weight, taken_up)
        melody[onsets] = np.array(pitches, dtype=np.int64) - LOWEST + FIRST_PITCH
    return melody


def _motif_intervals(brief: SectionBrief, lines: Sequence[SungLine], onsets: Classes) -> list[int | None]:
    """For each note the interval that the motif has from it to the next; `None` where it has no say."""
    asked: dict[int, int | None] = {}
    if brief.motif is not None:
        for line in lines:
            asked |= {onset: brief.motif.after(note) for note, onset in enumerate(line.onsets[:-1])}
    return [asked.get(step) for step in onsets.tolist()]


def _parallel_wishes(layout: TokenLayout, lines: Sequence[SungLine], onsets: Classes, melody: Classes) -> Weights:
    """Wishes [notes, 37] that a line takes up the pitches of the line two before it, where rhythm and chords agree."""
    wishes = np.zeros((len(onsets), PITCHES))
    chords = layout.chords[layout.section]
    row_of = {step: row for row, step in enumerate(onsets.tolist())}
    for earlier, line in zip(lines, lines[2:], strict=False):
        then = {onset - earlier.start for onset in earlier.onsets}
        for step in line.onsets[:-1]:
            source = step - line.start + earlier.start
            same_chord = source < earlier.stop and chords[step // STEPS_PER_BEAT] == chords[source // STEPS_PER_BEAT]
            if step - line.start in then and same_chord:
                wishes[row_of[step], melody[source] - FIRST_PITCH] = _PARALLEL_PITCH
    return wishes


def _asked(brief: SectionBrief, layout: TokenLayout, lines: Sequence[SungLine], onsets: Classes) -> list[MelodyNote]:
    chords = layout.chords[layout.section]
    notes = {step: MelodyNote(step, int(chords[step // STEPS_PER_BEAT])) for step in onsets.tolist()}
    for line, tones in zip(lines, brief.lines, strict=True):
        for step, tone in zip(line.onsets, tones, strict=False):
            notes[step] = replace(notes[step], tone=tone)
        if line.onsets:
            notes[line.onsets[-1]] = replace(notes[line.onsets[-1]], cadence=True)
    if notes and (brief.final or (brief.kind is SectionKind.CHORUS and not brief.played)):
        last = max(notes) if brief.final or not lines or not lines[-1].onsets else lines[-1].onsets[-1]
        notes[last] = replace(
            notes[last], cadence=True, tonic=brief.final or chords[last // STEPS_PER_BEAT] != NO_CHORD
        )
    return [notes[step] for step in onsets.tolist()]


def to_score(brief: SectionBrief, melody: Classes, chords: Classes) -> Score:
    """The score at sounding pitch: the anchor's notes as given, and one numbered note for each syllable."""
    given = given_steps(brief)
    notes = [*given_notes(brief), *(note for note in notes_of(melody) if not given[note.start])]
    notes = sorted(notes, key=lambda note: note.start)
    sung = notes if brief.played else with_syllables(notes, brief)
    return Score(brief.bars, tuple(sung), tuple(chord_of(int(index)) for index in chords)).transposed(brief.transpose)


def with_syllables(notes: Sequence[Note], brief: SectionBrief) -> list[Note]:
    """Number the notes that begin a syllable.

    Where a given melody has too few notes, the longest are repeated, and then its rests are sung in.
    """
    out: list[Note] = [note for note in notes if note.start >= sum(brief.line_bars) * STEPS_PER_BAR]
    first = 0
    for (start, stop), tones in zip(brief.line_spans(), brief.lines, strict=True):
        own = _divided([note for note in notes if start <= note.start < stop], len(tones))
        own = _filled(own, len(tones), range(max((n.end for n in out if n.start < start), default=start), stop))
        out += [replace(n, syllable=first + i if i < len(tones) else None) for i, n in enumerate(own)]
        first += len(tones)
    return sorted(out, key=lambda note: note.start)


def _divided(notes: list[Note], count: int) -> list[Note]:
    while 0 < len(notes) < count:
        longest = max(range(len(notes)), key=lambda index: notes[index].length)
        note = notes[longest]
        if note.length < 2:
            break
        half = note.length // 2
        notes[longest : longest + 1] = [
            replace(note, length=note.length - half),
            replace(note, start=note.end - half, length=half),
        ]
    return notes


def _filled(notes: list[Note], count: int, steps: range) -> list[Note]:
    """`count` notes at least: short ones at the pitch of the nearest note are added in the last free of `steps`."""
    taken = {step for note in notes for step in range(note.start, note.end)}
    free = [step for step in steps if step not in taken]
    missing = max(count - len(notes), 0) if notes else 0
    nearest = [min(notes, key=lambda note: abs(note.start - step)) for step in free[len(free) - missing :]]
    added = [Note(step, 1, note.pitch) for step, note in zip(free[len(free) - missing :], nearest, strict=True)]
    return sorted([*notes, *added], key=lambda note: note.start)
