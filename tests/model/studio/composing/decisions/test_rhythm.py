import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.studio.composing.decisions.rhythm import choose_rhythm, echo_of, onset_log_odds


@given(syllables=st.integers(1, 32), seed=st.integers(0, 1000))
def test_a_line_has_exactly_one_onset_per_syllable(syllables: int, seed: int) -> None:
    log_prob = np.random.default_rng(seed).normal(size=32)
    rhythm = choose_rhythm(log_prob, syllables)
    assert len(set(rhythm.onsets)) == syllables
    assert list(rhythm.onsets) == sorted(rhythm.onsets)
    assert rhythm.onsets[-1] < rhythm.end <= 32


@pytest.mark.parametrize("syllables", range(1, 11))
def test_a_line_that_has_room_ends_on_a_beat_and_leaves_a_breath(syllables: int) -> None:
    rhythm = choose_rhythm(np.zeros(32), syllables)
    assert rhythm.onsets[-1] % 4 == 0
    assert rhythm.end <= 30


@given(syllables=st.integers(3, 12), seed=st.integers(0, 1000))
def test_the_last_note_of_a_line_that_has_room_is_the_longest_of_most(syllables: int, seed: int) -> None:
    rhythm = choose_rhythm(np.random.default_rng(seed).normal(size=32), syllables)
    lengths = np.diff([*rhythm.onsets, rhythm.end])
    assert lengths[-1] >= 4
    assert syllables < 6 or lengths[-1] >= np.median(lengths[:-1])  # notes of fewer syllables are all long


def test_sixteenths_are_left_alone_while_eighths_suffice() -> None:
    assert all(onset % 2 == 0 for onset in choose_rhythm(np.zeros(32), 8).onsets)


def test_onsets_go_where_the_network_believes_in_them() -> None:
    believed = (2, 6, 10, 16)
    log_prob = onset_log_odds(np.isin(np.arange(32), believed).astype(float))
    assert choose_rhythm(log_prob, 4).onsets == believed


def test_an_echo_repeats_the_rhythm_it_answers() -> None:
    first = choose_rhythm(np.random.default_rng(4).normal(size=32), 7).onsets
    assert choose_rhythm(np.zeros(32), 7, echo_of(first, 32, 20.0)).onsets == first


def test_nothing_starts_before_the_first_free_step() -> None:
    assert choose_rhythm(np.zeros(32), 5, first_free=12).onsets[0] >= 12


def test_more_onsets_than_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        choose_rhythm(np.zeros(16), 10, first_free=8)
