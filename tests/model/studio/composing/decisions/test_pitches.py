from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from model.studio.composing.decisions.pitches import (
    AskedInterval,
    MelodyNote,
    choose_pitches,
    note_bias,
    tone_direction,
)
from model.studio.composing.profiles import profile_of
from model.studio.composing.tokens import LOWEST, PITCHES, chord_index
from model.studio.notation.score import Chord, Quality

INTERVALS: NDArray[np.float64] = np.asarray(-0.3 * np.arange(PITCHES), np.float64)
C_MAJOR = chord_index(Chord(0, Quality.MAJOR))


def favouring(*pitches: int) -> np.ndarray:
    log_probs = np.full((len(pitches), PITCHES), -20.0)
    for row, pitch in zip(log_probs, pitches, strict=True):
        row[pitch - LOWEST] = 0.0
    return log_probs


def test_clear_beliefs_are_followed() -> None:
    assert choose_pitches(favouring(60, 64, 67), [0.0, 0.0], INTERVALS) == [60, 64, 67]


def test_no_notes_have_no_pitches() -> None:
    assert choose_pitches(np.empty((0, PITCHES)), [], INTERVALS) == []


def test_between_equal_beliefs_the_nearer_pitch_wins() -> None:
    log_probs = np.concatenate([favouring(60), np.maximum(favouring(62), favouring(74))])
    assert choose_pitches(log_probs, [0.0], INTERVALS) == [60, 62]


def test_a_falling_tone_after_a_high_one_prefers_to_stay_high_and_a_low_one_to_fall() -> None:
    log_probs = np.concatenate([favouring(64), np.maximum(favouring(62), favouring(66))])
    assert choose_pitches(log_probs, [tone_direction(1, 3)], INTERVALS) == [64, 62]
    assert choose_pitches(log_probs, [tone_direction(3, 1)], INTERVALS) == [64, 66]


def test_tones_that_do_not_count_change_nothing() -> None:
    log_probs = np.concatenate([favouring(64), np.maximum(favouring(62) + 0.1, favouring(66))])
    assert choose_pitches(log_probs, [tone_direction(3, 1)], INTERVALS, tone_weight=0.0) == [64, 62]
    assert choose_pitches(log_probs, [tone_direction(3, 1)], INTERVALS) == [64, 66]


def test_two_moves_are_better_than_a_large_leap() -> None:
    either = np.maximum(favouring(67), favouring(76) + 0.1)
    assert choose_pitches(np.concatenate([favouring(64), either]), [0.0], 0.0 * INTERVALS) == [64, 67]


def test_a_closing_note_goes_to_the_tonic() -> None:
    bias = note_bias([MelodyNote(0, C_MAJOR, cadence=True, tonic=True)], minor=False)
    assert (int(bias[0].argmax()) + LOWEST) % 12 == 0


def test_strong_notes_wish_for_chord_tones() -> None:
    strong, weak = note_bias([MelodyNote(8, C_MAJOR, strong=True), MelodyNote(10, C_MAJOR)], minor=False)
    wished = {(int(place) + LOWEST) % 12 for place in np.flatnonzero(strong > 0)}
    assert wished == {0, 4, 7}
    assert set(weak.tolist()) == {0.0, -1.6}


def test_a_tune_does_not_stay_on_one_pitch_but_where_the_genre_chants() -> None:
    tempting = np.concatenate([favouring(*[64] * 8)])
    tempting[:, 62 - LOWEST] = tempting[:, 65 - LOWEST] = -0.5

    def longest(genre: str) -> int:
        pitches = choose_pitches(tempting, [0.0] * 7, INTERVALS, profile=profile_of(genre))
        return max(len(list(group)) for _, group in groupby(pitches))

    assert longest("ballad") <= 3
    assert longest("hip hop") == 8


def test_a_taken_up_line_keeps_the_direction_where_it_cannot_keep_the_interval() -> None:
    log_probs = np.concatenate([favouring(64), np.maximum(favouring(62) + 0.5, favouring(72))])
    asked = [AskedInterval(4, 2.0, 3.0), None]
    assert choose_pitches(log_probs, [0.0], 0.0 * INTERVALS) == [64, 62]
    assert choose_pitches(log_probs, [0.0], 0.0 * INTERVALS, taken_up=asked) == [64, 72]
