from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.studio.composing.decisions.rhythm import LineRequest, LineRhythm, draw_rhythm, echo_of, onset_log_odds
from model.studio.composing.profiles import profile_of
from model.studio.notation.stress import Stress


def request(syllables: int, steps: int = 32, **changes: object) -> LineRequest:
    return replace(LineRequest(np.zeros(steps), syllables), **changes)  # type: ignore[arg-type]


def drawn(asked: LineRequest, seed: int = 0) -> LineRhythm:
    return draw_rhythm(asked, np.random.default_rng(seed).random(asked.syllables))


def onsets_of_many(asked: LineRequest, songs: int = 60) -> list[tuple[int, ...]]:
    return [drawn(asked, seed).onsets for seed in range(songs)]


@given(syllables=st.integers(1, 32), seed=st.integers(0, 1000))
def test_a_line_has_exactly_one_onset_per_syllable(syllables: int, seed: int) -> None:
    log_prob = np.random.default_rng(seed).normal(size=32)
    rhythm = drawn(request(syllables, log_prob=log_prob), seed)
    assert len(set(rhythm.onsets)) == syllables
    assert list(rhythm.onsets) == sorted(rhythm.onsets)
    assert rhythm.onsets[-1] < rhythm.end <= 32


@given(syllables=st.integers(1, 10), seed=st.integers(0, 1000), breath=st.integers(2, 6))
def test_a_line_that_has_room_leaves_a_breath_and_holds_its_last_note(syllables: int, seed: int, breath: int) -> None:
    rhythm = drawn(request(syllables, breath=breath), seed)
    assert rhythm.end <= 32 - breath
    assert rhythm.end - rhythm.onsets[-1] >= 4


def test_a_line_of_one_bar_is_sung_faster_in_a_slow_song_to_hold_its_last_note() -> None:
    lines = [drawn(request(8, steps=16, step_seconds=0.2, breath=2), seed) for seed in range(40)]
    assert np.median([line.end - line.onsets[-1] for line in lines]) >= 3


def test_the_first_syllable_comes_where_the_line_enters() -> None:
    assert all(onsets[0] == 0 for onsets in onsets_of_many(request(8, start=14)))


def test_the_same_draws_give_the_same_rhythm_and_others_another() -> None:
    assert drawn(request(8), 1) == drawn(request(8), 1)
    assert len(set(onsets_of_many(request(8)))) > 10


def test_onsets_go_where_the_network_believes_in_them() -> None:
    believed = (0, 6, 10, 16, 22)
    sure = onset_log_odds(np.isin(np.arange(32), believed).astype(float))
    counts = [
        sum(len(set(onsets) & set(believed)) for onsets in onsets_of_many(request(5, log_prob=log_prob)))
        for log_prob in (sure, np.zeros(32))
    ]
    assert counts[0] > 1.3 * counts[1]


def test_an_echo_repeats_the_rhythm_it_answers() -> None:
    first = drawn(request(7), 4).onsets
    echoed = request(7, echo=echo_of(first, 32, 30.0))
    assert all(onsets == first for onsets in onsets_of_many(echoed, 10))


def on_strong_beats(syllable: int, stress: Stress) -> float:
    stresses = tuple(stress if place == syllable else Stress.PLAIN for place in range(8))
    onsets = onsets_of_many(request(8, stresses=stresses), 120)
    return float(np.mean([one[syllable] % 8 == 0 for one in onsets]))


def test_function_words_keep_off_strong_beats() -> None:
    assert on_strong_beats(3, Stress.WEAK) < 0.6 * on_strong_beats(3, Stress.STRONG)


def test_a_phrase_begins_after_a_longer_note() -> None:
    def before(stress: Stress) -> float:
        stresses = tuple(stress if place == 4 else Stress.PLAIN for place in range(8))
        return float(np.mean([one[4] - one[3] for one in onsets_of_many(request(8, stresses=stresses))]))

    assert before(Stress.PHRASE) > before(Stress.PLAIN)


def sixteenths(asked: LineRequest) -> float:
    return float(np.mean([step % 2 for onsets in onsets_of_many(asked) for step in onsets]))


def test_sixteenths_are_for_tempi_that_leave_time_and_for_genres_that_have_them() -> None:
    usual = sixteenths(request(12))
    assert sixteenths(request(12, step_seconds=0.1)) < usual
    assert sixteenths(request(12, profile=profile_of("hip hop"))) > usual > 0
    assert sixteenths(request(12, profile=profile_of("nursery"))) < usual


def test_nothing_starts_before_the_first_free_step() -> None:
    assert all(onsets[0] >= 12 for onsets in onsets_of_many(request(5, first_free=12)))


def test_more_onsets_than_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        drawn(request(10, 16, first_free=8))


def test_a_genre_may_have_dotted_eighths() -> None:
    def dotted(genre: str) -> int:
        lines = onsets_of_many(request(9, profile=profile_of(genre)), 30)
        return sum(int((np.diff(onsets) == 3).sum()) for onsets in lines)

    assert dotted("dance") > 3 * max(dotted("pop"), 1)
