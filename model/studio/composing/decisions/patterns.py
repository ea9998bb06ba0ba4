"""Draws chord progressions from a table of four-bar patterns, counted in songs. In a waltz a whole bar takes the place
of half a bar of a pattern.
"""

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.song import SectionKind
from model.studio.composing.decisions.pitches import scale
from model.studio.composing.habits import HALVES, PATTERN_BARS, Joints, Patterns, habits
from model.studio.composing.profiles import profile_of
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.composing.tokens import CHORD_CLASSES, NO_CHORD, Classes, chord_index, chord_of
from model.studio.notation.score import Chord, Quality

_COUNT_WEIGHT = 1.0
_OTHER_KIND = 0.3
"""Weight of a song that has the pattern in a section of another kind, relative to a song that has it in a section of
the same kind.
"""

_NETWORK_WEIGHT = 0.05
_UNLIKELY = -4.0
_FAVOUR_WEIGHT = 0.33
_USUAL_CHANGES = 1.4
"""Number of chords per bar in a song whose factor `chord_pace` is 1."""

_PACE_WEIGHT = 2.5
_KNOWN_WEIGHT = 4.0
_LOOP, _LOOP_WITH_OTHER_END = 2.0, 1.5
_HEARD_ELSEWHERE = -3.0
_NEW_CHORD = 0.75
"""Log weight of each chord that the song has not used so far."""

_ONWARD_WEIGHT, _CLOSING_WEIGHT = 1.0, 1.0
"""Weights of two frequencies: of a pattern's first chord after the chord before, and of its last chord at the end of a
phrase.
"""

_MOVES_WEIGHT, _USUAL_SURPRISE = 0.1, 1.5
_FLOOR = 1e-3
_ODD_OPENING = -1.5
_ONE_CHORD, _OTHER_KEY, _REMOTE = -3.0, -1.5, -4.0
"""Log weights of three faults of a pattern: four bars of one chord; two or more chords that are foreign to the key; and
a chord with two tones or more that neither the key nor the parallel minor or major has.
"""

_KEPT_HALVES = 2

_C, _D, _DM, _EM, _E, _F, _FM, _G, _AM, _A = (
    chord_index(Chord(root, quality))
    for root, quality in (
        *((0, Quality.MAJOR), (2, Quality.MAJOR), (2, Quality.MINOR), (4, Quality.MINOR), (4, Quality.MAJOR)),
        *((5, Quality.MAJOR), (5, Quality.MINOR), (7, Quality.MAJOR), (9, Quality.MINOR), (9, Quality.MAJOR)),
    )
)
_OPENINGS = (_C, _DM, _EM, _F, _G, _AM)
_SPICES = {
    (_EM, _AM): (_E, 0.1),
    (_C, _AM): (_E, 0.08),
    (_G, _AM): (_E, 0.05),
    (_EM, _F): (_E, 0.06),
    (_G, _DM): (_A, 0.2),
    (_C, _DM): (_A, 0.08),
    (_EM, _DM): (_A, 0.15),
    (_AM, _DM): (_A, 0.05),
    (_AM, _G): (_D, 0.1),
    (_DM, _G): (_D, 0.06),
    (_C, _G): (_D, 0.05),
    (_F, _C): (_FM, 0.06),
}
"""For a chord and the chord after it, the chord that may replace the first one, and the probability: secondary
dominants, and the minor chord on the fourth degree.
"""

Weights = NDArray[np.float64]


def draw_patterns(
    spec: SectionSpec,
    memory: Memory,
    log_odds: Weights,
    known: Classes,
    before: int,
    moves: Weights,
    draws: Weights,
) -> Classes:
    """Sample the chord classes [beats] of a section as a sequence of four-bar patterns. If fewer than four bars are
    left at the end, they get the last bars of a pattern.

    The weight of a pattern is its frequency in sections of this kind in the training songs, times how well it agrees
    with the genre, the rate of chord changes `chord_pace`, the network's `log_odds` [beats, 37], the `known` chords
    [beats] (`NO_CHORD` where free), the chord `before` the section and the previous pattern. Patterns that the song has
    in a section of another kind get a penalty.

    Args:
        moves: probability [37, 37] of each chord after another.
        draws: random numbers [beats], uniform in [0, 1).
    """
    weights = _PatternWeights(spec, memory, log_odds, known, before, moves)
    disliked = {chord for chord, value in profile_of(spec.genre).favours if value < 0}
    found: list[int] = []
    last: Classes | None = None
    half_beats = _beats_per_half(spec)
    for first in range(0, spec.beats // half_beats, HALVES):
        chords, score = weights.at(first, found, last)
        beats = slice(first * half_beats, (first + chords.shape[1]) * half_beats)
        chosen = chords[_draw(score, float(draws[beats.start]))]
        last = chosen if len(chosen) == HALVES else None
        found += _spiced(chosen.tolist(), draws[beats], half_beats, disliked)
    return np.array(found, dtype=np.int64).repeat(half_beats)


class _PatternWeights:
    """The log weights of all four-bar patterns in the mode (major or minor) of one section, for every half bar at which
    a pattern may begin; the parameters are those of `draw_patterns`.
    """

    def __init__(
        self, spec: SectionSpec, memory: Memory, log_odds: Weights, known: Classes, before: int, moves: Weights
    ) -> None:
        half_beats = _beats_per_half(spec)
        self._patterns = habits().patterns[int(spec.minor)]
        self._joints = habits().joints[int(spec.minor)]
        self._usual = _usual(spec, memory, self._patterns) + _inner_moves(self._patterns.chords, moves)
        self._heard = {chord for _, rendition in memory.by_kind for chord in rendition.chords}
        self._log_odds, self._known = log_odds[::half_beats], known[::half_beats]
        self._sources = _sources(spec, half_beats)
        self._before = before
        self._halves = spec.beats // half_beats

    def at(self, first: int, found: list[int], last: Classes | None) -> tuple[Classes, Weights]:
        """Return the chords [patterns, half bars] and the log weights [patterns] of the patterns that may fill the half
        bars from `first` on. `found` are the chords of the half bars before, `last` is the pattern just before, `None`
        for none.
        """
        halves = min(HALVES, self._halves - first)
        chords, place = self._patterns.chords[:, HALVES - halves :], slice(first, first + halves)
        score = (
            self._usual
            + _fit(chords, self._log_odds[place], self._known[place])
            + self._joined(chords, first, found)
            + _ONE_CHORD * _stays(chords, self._sources[place] - first)
            + _NEW_CHORD * _new_chords(self._patterns.present, self._heard | set(found))
        )
        if last is not None and halves == HALVES:
            score += _loops(self._patterns.chords, last)
        return chords, score

    def _joined(self, chords: Classes, first: int, found: list[int]) -> Weights:
        closes = first + chords.shape[1] == self._halves
        before = found[-1] if found else self._before
        return _joined(chords, self._joints, before, opens=first == 0, closes=closes)


def _beats_per_half(spec: SectionSpec) -> int:
    """Return the number of beats that half a bar of a pattern lasts: 2, or 3 in a waltz, whose bars are not divided."""
    return spec.beats_per_bar if spec.beats_per_bar % 2 else spec.beats_per_bar // 2


def _sources(spec: SectionSpec, half_beats: int) -> Classes:
    """Return for each half bar the index of the half bar whose chord it takes; lines with the same words take the
    chords of the first of these lines.
    """
    sources = np.arange(spec.beats)
    for line in range(len(spec.lines)):
        twin = spec.same_words(line)
        if twin is not None:
            sources[spec.line_beats(line)] = sources[spec.line_beats(twin)]
    return sources[::half_beats] // half_beats


def _stays(chords: Classes, sources: Classes) -> NDArray[np.bool_]:
    """Return a mask [patterns], True for patterns with a single chord throughout, after each half bar has taken over
    the chord of the half bar that `sources` names.

    A half bar with a source below 0 keeps its own chord.
    """
    heard = chords[:, np.where(sources < 0, np.arange(len(sources)), sources)]
    out: NDArray[np.bool_] = (heard == heard[:, :1]).all(1)
    return out


def _usual(spec: SectionSpec, memory: Memory, patterns: Patterns) -> Weights:
    """Return the part of each pattern's log weight [patterns] that does not depend on the position in the section: its
    frequency, the genre, the rate of chord changes, and its chords from outside the key.
    """
    chorus = spec.kind is SectionKind.CHORUS
    own, other = (patterns.chorus, patterns.verse) if chorus else (patterns.verse, patterns.chorus)
    score: Weights = _COUNT_WEIGHT * np.log(own + _OTHER_KIND * other)
    favours = np.zeros(CHORD_CLASSES)
    for chord, value in profile_of(spec.genre).favours:
        favours[chord] = value
    score += _FAVOUR_WEIGHT * favours[patterns.chords].sum(1)
    usual = _USUAL_CHANGES * spec.chord_pace * PATTERN_BARS
    score -= _PACE_WEIGHT * np.abs(np.log(patterns.changes / usual))
    score += _ODD_OPENING * ~np.isin(patterns.chords[:, 0], _OPENINGS)
    score += _OTHER_KEY * (patterns.present @ (_foreign_tones(spec.minor) > 0) > 1)
    score += _REMOTE * (patterns.present @ _is_remote(spec.minor) > 0)
    for kind, rendition in memory.by_kind:
        beats = HALVES * _beats_per_half(spec)
        if kind is not spec.kind and len(rendition.chords) >= beats:
            heard = np.array(rendition.chords[:beats])[:: _beats_per_half(spec)]
            score += _HEARD_ELSEWHERE * (patterns.chords == heard).all(1)
    return score


@cache
def _foreign_tones(minor: bool) -> NDArray[np.int64]:
    """Return for each chord class [37] the number of its tones that are foreign to the key."""
    own = set(scale(minor))
    return np.array([0, *(len(set(chord_of(chord).pitch_classes) - own) for chord in range(1, CHORD_CLASSES))])


@cache
def _is_remote(minor: bool) -> Weights:
    """Return 1 for each remote chord class [37], otherwise 0. A remote chord has two tones or more that are foreign to
    the key, and does not belong to the parallel key (C minor for C major) either.
    """
    parallel = {(pitch_class + (9 if minor else 3)) % 12 for pitch_class in scale(minor=False)}
    borrowed = [set(chord_of(chord).pitch_classes) <= parallel for chord in range(1, CHORD_CLASSES)]
    remote: Weights = (_foreign_tones(minor) > 1) & ~np.array([False, *borrowed])
    return remote.astype(np.float64)


def _fit(chords: Classes, log_odds: Weights, known: Classes) -> Weights:
    """Return the log weight [patterns] of each pattern's agreement with the network's log odds at each half bar and
    with the chords that are already known.
    """
    halves = np.arange(chords.shape[1])
    odds = np.maximum(log_odds - log_odds.max(1, keepdims=True), _UNLIKELY)
    agrees = (chords == known) | (known == NO_CHORD)
    out: Weights = _NETWORK_WEIGHT * odds[halves, chords].sum(1) - _KNOWN_WEIGHT * (~agrees).sum(1)
    return out


def _inner_moves(chords: Classes, moves: Weights) -> Weights:
    """Return the log weight [patterns] of the chord changes inside each pattern, from the probability `moves` of each
    change in songs.
    """
    before, after = chords[:, :-1], chords[:, 1:]
    usual = np.log(moves + _FLOOR) + _USUAL_SURPRISE
    out: Weights = _MOVES_WEIGHT * np.where(before != after, usual[before, after], 0.0).sum(1)
    return out


def _joined(chords: Classes, joints: Joints, before: int, *, opens: bool, closes: bool) -> Weights:
    """Return the log weight [patterns] of each pattern's first chord after the chord `before`, and of its last chord at
    the end of a four-bar phrase, by the statistics `joints`.

    `opens` is True for the first pattern of a section, `closes` for the last.
    """
    out: Weights = _CLOSING_WEIGHT * joints.closing[int(closes), chords[:, -1]]
    if before != NO_CHORD:
        out = out + _ONWARD_WEIGHT * joints.onward[int(opens), before, chords[:, 0]]
    return out


def _new_chords(present: Weights, heard: set[int]) -> Weights:
    """Return the number [patterns] of chords in each pattern that the song has not used yet; `heard` are the chords
    used so far, and `present` [patterns, 37] is 1 for each chord of a pattern.
    """
    new = np.ones(CHORD_CLASSES)
    new[list(heard)] = 0.0
    out: Weights = present @ new
    return out


def _loops(chords: Classes, last: Classes) -> Weights:
    """Return the additional log weight [patterns] of patterns that repeat the previous pattern `last`, exactly or with
    another ending.
    """
    same = (chords == last).all(1)
    begins = (chords[:, : HALVES // 2] == last[: HALVES // 2]).all(1)
    out: Weights = _LOOP * same + _LOOP_WITH_OTHER_END * (begins & ~same)
    return out


def _spiced(chords: list[int], draws: Weights, half_beats: int, disliked: set[int]) -> list[int]:
    """Return the chords of a pattern, one per half bar (`half_beats` beats), a few of them replaced by chords that also
    lead to the next chord, such as secondary dominants; `draws` [beats], uniform in [0, 1), decide which.

    The first bar of the pattern stays as it is, because repeated lines begin there. Chords in `disliked` are not used.
    """
    out = list(chords)
    for half, (chord, after) in enumerate(pairwise(chords)):
        spice = _SPICES.get((chord, after))
        if spice is None or spice[0] in disliked:
            continue
        if half >= _KEPT_HALVES and draws[half * half_beats + 1] < spice[1]:
            out[half] = spice[0]
    return out


def _draw(log_weights: Weights, uniform: float) -> int:
    total = np.cumsum(np.exp(log_weights - log_weights.max()))
    return int(np.searchsorted(total, uniform * total[-1], side="right"))
