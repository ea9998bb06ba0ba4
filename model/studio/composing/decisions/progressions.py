"""Chooses the chord progression of a section from the network's log probabilities for each beat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.decisions.patterns import draw_patterns
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.composing.token_layout import TokenLayout
from model.studio.composing.tokens import CHORD_CLASSES, NO_CHORD, Classes
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT

_FLOOR = 1e-4
_MANY_CHANGES = 64
_MOST_CHANGES = 0.999
_PACE_POWER = 8.0
_TRANSITION_WEIGHT = 0.5
_STRONG_BEAT = 2


@dataclass(frozen=True, slots=True)
class HarmonyTables:
    """Statistics of chord changes in the training songs, for major (row 0) and minor (row 1).

    `moves` [2, 37, 37] is the probability of each next chord if the chord changes; `changes` [2, 4] is the probability
    that the chord changes at each beat of the bar.
    """

    moves: NDArray[np.float32]
    changes: NDArray[np.float32]

    def log_transitions(
        self, minor: bool, pace: float = 1.0, beats_per_bar: int = BEATS_PER_BAR
    ) -> NDArray[np.float64]:
        """Return the log probabilities [beats_per_bar, 37, 37] of going from one chord to the next, for each beat of
        the bar.

        A bar of three beats uses the tables of a bar of four without its third beat, which is a strong one.

        With `pace` above 1 chords change more often than in the training songs, on the first and third beat; with
        `pace` below 1 they change less often. The odds of a change are multiplied by a high power of `pace`, because
        otherwise the network's probabilities outweigh it.
        """
        moves = self.moves[int(minor)].astype(np.float64) + _FLOOR
        np.fill_diagonal(moves, 0.0)
        moves /= moves.sum(1, keepdims=True)
        beats = np.delete(np.arange(BEATS_PER_BAR), () if beats_per_bar == BEATS_PER_BAR else _STRONG_BEAT)
        usual = np.clip(self.changes[int(minor)].astype(np.float64)[beats], 0.0, _MOST_CHANGES)
        hurried = (beats % 2 == 0) | (pace < 1.0)
        odds = usual / (1.0 - usual) * np.where(hurried, pace**_PACE_POWER, 1.0)
        changes = (odds / (1.0 + odds))[:, None, None]
        stays = np.eye(CHORD_CLASSES)[None] * (1 - changes)
        out: NDArray[np.float64] = np.log(changes * moves[None] + stays + 1e-12)
        return out

    def log_shares(self, minor: bool) -> NDArray[np.float64]:
        """Return the log share [37] of each chord among the chord changes of the training songs: the stationary
        distribution of `moves`. Shares of chords of the key are near 0.2, of others below 0.01.
        """
        moves = self.moves[int(minor)].astype(np.float64) + _FLOOR
        moves /= moves.sum(1, keepdims=True)
        shares: NDArray[np.float64] = np.log(np.linalg.matrix_power(moves, _MANY_CHANGES)[0])
        return shares


def choose_chords(
    layout: TokenLayout,
    spec: SectionSpec,
    memory: Memory,
    log_odds: NDArray[np.float64],
    tables: HarmonyTables,
    draws: NDArray[np.float64],
) -> None:
    """Draw the section's chord progression and write it into the layout as known chords; chords that are already known
    stay.

    The progression consists of four-bar patterns counted in songs, weighted by the network's `log_odds` [beats, 37];
    lines with the same words get the same chords. Under a melody given by the caller, the progression is drawn from the
    network's log odds and the chord statistics `tables` instead. `draws` [beats] are random numbers, uniform in [0, 1).
    """
    chords, known = layout.chords[layout.section].copy(), layout.mask[layout.section, STEPS_PER_BEAT] == 1
    if spec.anchor:
        moves = _TRANSITION_WEIGHT * tables.log_transitions(spec.minor, spec.chord_pace, spec.beats_per_bar)
        odds = log_odds.copy()
        odds[known] = -1e8
        odds[known, chords[known]] = 0.0
        if layout.prefix:
            odds[0] += moves[0][layout.chords[layout.prefix - 1]]
        found = draw_progression(odds, moves, draws)
    else:
        before = int(layout.chords[layout.prefix - 1]) if layout.prefix else NO_CHORD
        moves = tables.moves[int(spec.minor)].astype(np.float64)
        found = draw_patterns(spec, memory, log_odds, np.where(known, chords, NO_CHORD), before, moves, draws)
        for line in range(len(spec.lines)):
            twin = spec.same_words(line)
            if twin is not None:
                found[spec.line_beats(line)] = found[spec.line_beats(twin)]
        found = np.where(known, chords, found)
    layout.give_chords(slice(None), found)


def draw_progression(
    log_odds: NDArray[np.float64], log_transitions: NDArray[np.float64], draws: NDArray[np.float64]
) -> Classes:
    """Draw a chord progression from the posterior of a hidden Markov model.

    Forward filtering, backward sampling: a drawn progression changes chords as often as the transitions say; the most
    probable progression would stay on a chord too long.

    Args:
        log_odds: [beats, 37], the network's log probabilities of each chord, up to a constant per beat.
        log_transitions: [beats of a bar, 37, 37], from `HarmonyTables.log_transitions`; the first beat is the first of
            a bar.
        draws: [beats], uniform in [0, 1).

    Returns:
        Chord classes [beats], never `NO_CHORD`.
    """
    beats = len(log_odds)
    log_odds = log_odds.copy()
    log_odds[:, NO_CHORD] = -1e9
    filtered = np.empty((beats, CHORD_CLASSES))
    filtered[0] = log_odds[0]
    for beat in range(1, beats):
        step = filtered[beat - 1][:, None] + log_transitions[beat % len(log_transitions)]
        filtered[beat] = log_odds[beat] + _log_sum(step)
        filtered[beat] -= filtered[beat].max()
    chords = np.empty(beats, dtype=np.int64)
    chords[-1] = _draw(filtered[-1], draws[-1])
    for beat in range(beats - 2, -1, -1):
        log_prob = filtered[beat] + log_transitions[(beat + 1) % len(log_transitions)][:, chords[beat + 1]]
        chords[beat] = _draw(log_prob, draws[beat])
    return chords


def _log_sum(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    top = rows.max(0)
    out: NDArray[np.float64] = top + np.log(np.exp(rows - top).sum(0))
    return out


def _draw(log_weights: NDArray[np.float64], uniform: float) -> int:
    total = np.cumsum(np.exp(log_weights - log_weights.max()))
    return int(np.searchsorted(total, uniform * total[-1], side="right"))
