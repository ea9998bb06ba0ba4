"""Measures of composed songs; each is the mean over sections, lines or songs, `nan` if there is nothing to measure."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import TypeVar

import numpy as np

from benchmarks.music.composition.pieces import Line, Piece, Section, bars_of, changes
from model.studio.composing.decisions.pitches import tone_direction
from model.studio.composing.tokens import chord_index, chord_of
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT, Quality
from model.studio.notation.score import Chord as Triad
from model.studio.notation.stress import Stress

_HEAD_STEPS = range(10, 16)
_REST_STEPS = 2
_LONGEST_GAP_STEPS = 32
_TONIC_CHORDS = frozenset({(0, 0), (5, 0), (7, 0)})

Outcome = TypeVar("Outcome")
Bars = Sequence[Mapping[int, int]]
Measure = Callable[[Sequence[Piece]], float]


def mean(values: Iterator[float] | Sequence[float]) -> float:
    """Return the mean of the values that are not `nan`."""
    kept = [value for value in values if not math.isnan(value)]
    return float(np.mean(kept)) if kept else math.nan


def sections_of(pieces: Sequence[Piece], least: int = 4, most: int = 16) -> Iterator[tuple[Piece, Section]]:
    """Yield the sung sections of `least` to `most` bars; of several sections with one label only the first."""
    for piece in pieces:
        seen: set[str] = set()
        for section in piece.sections:
            sung = section.lines or section.kind == "phrase"
            if sung and section.label not in seen and least <= section.bars <= most and len(piece.notes(section)) > 3:
                seen.add(section.label)
                yield piece, section


def equal_notes(one: Mapping[int, int], other: Mapping[int, int]) -> float:
    """Return the share of notes of two lines that agree in position and pitch; each line is given as MIDI pitches by
    step.
    """
    if not one or not other:
        return math.nan
    return sum(other.get(step) == pitch for step, pitch in one.items()) / max(len(one), len(other))


def _equal_rhythm(one: Mapping[int, int], other: Mapping[int, int]) -> float:
    if not one or not other:
        return math.nan
    return len(set(one) & set(other)) / len(set(one) | set(other))


def _contour(one: Mapping[int, int], other: Mapping[int, int]) -> float:
    common = sorted(set(one) & set(other))
    if len(common) < 3:
        return math.nan
    moves = [np.sign(one[b] - one[a]) == np.sign(other[b] - other[a]) for a, b in pairwise(common)]
    return float(np.mean(moves))


def _lagged(bars: Bars, lag: int, alike: Callable[[Mapping[int, int], Mapping[int, int]], float]) -> float:
    return mean([alike(bars[bar], bars[bar - lag]) for bar in range(lag, len(bars))])


def _by_section(measure: Callable[[Piece, Section], float], least: int = 4) -> Measure:
    return lambda pieces: mean([measure(*found) for found in sections_of(pieces, least)])


def same_words(pieces: Sequence[Piece]) -> list[float]:
    """Return the share of equal notes for every two lines of a section with the same words."""
    return [
        equal_notes(_relative(one), _relative(other))
        for piece in pieces
        for section in piece.sections
        for one, other in combinations(section.lines, 2)
        if one.text == other.text
    ]


def _relative(line: Line) -> dict[int, int]:
    return {note.start - line.first: note.pitch for note in line.notes}


def entries(pieces: Sequence[Piece]) -> list[int]:
    """Return, for each line, the step of the bar (a quarter of a beat) at which the line begins; in annotated songs, at
    which a note after a rest begins.
    """
    found = [
        (line.notes[0].start - s.first) % s.bar_steps
        for p in pieces
        for s in p.sections
        for line in s.lines
        if line.notes
    ]
    for piece in pieces:
        if not any(section.lines for section in piece.sections):
            for section in piece.sections:
                own = piece.notes(section)
                found += [b.start % STEPS_PER_BAR for a, b in pairwise(own) if b.start - a.end >= _REST_STEPS]
    return found


def silences(pieces: Sequence[Piece]) -> list[float]:
    """Return the number of seconds from the end of each line to the start of the next."""
    out = []
    for piece in pieces:
        for section in piece.sections:
            for one, other in pairwise(section.lines):
                if one.notes and other.notes:
                    gap = other.notes[0].start - one.notes[-1].end
                    out += [gap * piece.step_seconds] if gap < _LONGEST_GAP_STEPS else []
    return out


def _pitches(piece: Piece, section: Section) -> list[int]:
    return [note.pitch for note in piece.notes(section)]


def _range(piece: Piece, section: Section) -> float:
    pitches = _pitches(piece, section)
    return float(max(pitches) - min(pitches))


def _peak(piece: Piece, section: Section) -> float:
    pitches = _pitches(piece, section)
    return pitches.index(max(pitches)) / len(pitches)


def _share(true: Callable[[int], bool]) -> Callable[[Piece, Section], float]:
    return lambda piece, section: float(np.mean([true(note.start) for note in piece.notes(section)]))


def _moves(true: Callable[[int], bool]) -> Callable[[Piece, Section], float]:
    return lambda piece, section: float(np.mean([true(abs(b - a)) for a, b in pairwise(_pitches(piece, section))]))


def _sung_share(piece: Piece, section: Section) -> float:
    return sum(note.length for note in piece.notes(section)) / section.steps


def tone_agreement(pieces: Sequence[Piece]) -> float:
    """Return the share of intervals between syllables that rise or fall as the lexical tones of the syllables do."""
    agrees: list[float] = []
    for line in (line for piece in pieces for section in piece.sections for line in section.lines):
        sung = [[note] for note in line.notes if note.sung]
        for (one,), (other,), before, after in zip(sung, sung[1:], line.tones, line.tones[1:], strict=False):
            wished, rise = tone_direction(before, after), other.pitch - one.pitch
            if wished and rise:
                agrees.append(float(wished * rise > 0))
    return mean(agrees)


def on_strong_beats(pieces: Sequence[Piece], *, weak: bool) -> float:
    """Return the share of syllables on a strong beat (first or third of a bar, in a waltz the first); of function words
    if `weak`, else of other words.
    """
    found = []
    for section, line in ((s, line) for piece in pieces for s in piece.sections for line in s.lines):
        strong = section.bar_steps if section.beats_per_bar % 2 else section.bar_steps // 2
        for note, stress in zip((n for n in line.notes if n.sung), line.stresses, strict=False):
            if (stress is Stress.WEAK) is weak:
                found.append(float((note.start - section.first) % strong == 0))
    return mean(found)


def weak_lengths(pieces: Sequence[Piece]) -> float:
    """Return the mean note length of function words divided by that of other syllables, without the last syllables of
    lines.
    """
    lengths: dict[bool, list[int]] = {True: [], False: []}
    for line in (line for piece in pieces for section in piece.sections for line in section.lines):
        for note, stress in zip([n for n in line.notes if n.sung][:-1], line.stresses, strict=False):
            lengths[stress is Stress.WEAK].append(note.length)
    return float(np.mean(lengths[True]) / np.mean(lengths[False])) if lengths[True] else math.nan


def clashes(pieces: Sequence[Piece]) -> float:
    """Return the share of notes of at least a beat that are a minor ninth above a chord tone."""
    found = []
    for piece in pieces:
        for section in piece.sections:
            for note in piece.notes(section):
                chord = piece.chords[min(note.start // STEPS_PER_BEAT, len(piece.chords) - 1)]
                if note.length >= STEPS_PER_BEAT and chord is not None:
                    tones = chord_of(chord_index(Triad(chord[0], Quality(chord[1])))).pitch_classes
                    found.append(float(any((note.pitch - section.transpose - tone) % 12 == 1 for tone in tones)))
    return mean(found)


def primary_share(pieces: Sequence[Piece]) -> float:
    """Return the share of I, IV and V among the chords of songs in major."""
    return mean([float(chord in _TONIC_CHORDS) for p in pieces if not p.minor for chord in changes(p)])


def bigrams(pieces: Sequence[Piece]) -> Counter[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the number of occurrences of each pair of successive chords in songs in major."""
    return Counter(pair for piece in pieces if not piece.minor for pair in pairwise(changes(piece)))


def divergence(one: Counter[Outcome], other: Counter[Outcome]) -> float:
    """Return the Jensen-Shannon divergence of two distributions given as counters, in bits."""
    keys = sorted({*one, *other}, key=repr)
    if not one or not other:
        return math.nan
    p, q = (np.array([counts[key] for key in keys], float) / sum(counts.values()) for counts in (one, other))
    middle = (p + q) / 2

    def entropy_from(r: np.ndarray) -> float:
        return float((r[r > 0] * np.log2(r[r > 0] / middle[r > 0])).sum())

    return (entropy_from(p) + entropy_from(q)) / 2


def _repeats(lag: int) -> Measure:
    return _by_section(lambda piece, section: _lagged(bars_of(piece, section), lag, _contour), least=lag + 2)


MEASURES: Mapping[str, Measure] = {
    "same words in a section: exact tune": lambda p: mean([float(v > 0.999) for v in same_words(p)]),
    "same words in a section: equal notes": lambda p: mean(same_words(p)),
    "contour alike 2 bars later": _repeats(2),
    "contour alike 4 bars later": _repeats(4),
    "lines that begin as pickups": lambda p: mean([float(step in _HEAD_STEPS) for step in entries(p)]),
    "lines that begin on beat one": lambda p: mean([float(step == 0) for step in entries(p)]),
    "rhythm equal to the next bar": _by_section(lambda p, s: _lagged(bars_of(p, s), 1, _equal_rhythm)),
    "notes on the beat": _by_section(_share(lambda start: start % STEPS_PER_BEAT == 0)),
    "notes on odd sixteenths": _by_section(_share(lambda start: start % 2 == 1)),
    "silence between lines, median s": lambda p: float(np.median(silences(p) or [math.nan])),
    "share of time sung": _by_section(_sung_share),
    "I+IV+V among chords (major)": primary_share,
    "different chords in a song": lambda p: mean([float(len(set(changes(piece)))) for piece in p]),
    "bars a chord": lambda p: mean([len(q.chords) / BEATS_PER_BAR / max(len(changes(q)), 1) for q in p]),
    "beats with a coloured chord": lambda p: mean([piece.coloured for piece in p]),
    "range of a section, semitones": _by_section(_range),
    "place of the peak": _by_section(_peak),
    "tones agreeing with the tune": tone_agreement,
    "leaps of a fourth and more": _by_section(_moves(lambda size: size >= 5)),
    "repeated notes": _by_section(_moves(lambda size: size == 0)),
    "clashes on long notes": clashes,
    "function words on strong beats": lambda p: on_strong_beats(p, weak=True),
    "other syllables on strong beats": lambda p: on_strong_beats(p, weak=False),
    "length of function words against others": weak_lengths,
}
"""Functions that compute a measure of songs, by the name of the measure, in the order of printing."""
