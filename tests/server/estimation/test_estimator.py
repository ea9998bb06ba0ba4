from dataclasses import replace

import pytest

from server.estimation.estimator import Estimator, Spent
from server.estimation.forecast import Estimate, Work

SPENT = Spent(
    first_seconds=0.2,
    step_seconds=0.6,
    whole_step_seconds=1.2,
    other_seconds=1.4,
    lag_seconds=0.05,
    sound_seconds=60.0,
    steps=12,
)


def taught(*songs: Spent) -> Estimator:
    made = Estimator()
    for one in songs:
        made.measured("fake", one)
    return made


def expected(estimator: Estimator, sound_seconds: float | None = None, steps: int | None = None) -> Work:
    work = estimator.expected("fake", sound_seconds=sound_seconds, steps=steps)
    assert work is not None
    return work


def test_nothing_is_expected_of_an_engine_before_one_of_its_songs_was_measured() -> None:
    assert taught(SPENT).expected("other") is None


def test_a_song_like_the_one_before_costs_the_same() -> None:
    work = expected(taught(SPENT))
    assert [work.first_seconds, work.total_seconds] == pytest.approx([0.2, 2.0])


def test_cost_grows_with_length_and_that_of_steps_with_their_number() -> None:
    assert expected(taught(SPENT), sound_seconds=120.0).total_seconds == pytest.approx(4.0)
    assert expected(taught(SPENT), steps=24).total_seconds == pytest.approx(2.0 * 0.6 + 1.4)


def test_the_first_sound_of_a_longer_song_costs_no_more() -> None:
    assert expected(taught(SPENT), sound_seconds=120.0).first_seconds == pytest.approx(0.2)


def test_a_song_alone_is_stretched_by_the_steps_that_it_cannot_share() -> None:
    assert expected(taught(SPENT)).stretch == pytest.approx((1.2 + 1.4) / (0.6 + 1.4))


def test_new_songs_count_and_old_ones_are_forgotten() -> None:
    slower = replace(SPENT, other_seconds=2.8)
    assert 2.0 < expected(taught(SPENT, slower)).total_seconds < 3.4
    assert expected(taught(SPENT, *[slower] * 60)).total_seconds == pytest.approx(3.4, rel=0.01)


def test_encoding_comes_on_top_of_a_forecast() -> None:
    told = taught(SPENT).corrected("fake", Estimate(0.2, 2.0))
    assert [told.first_audio_seconds, told.finish_seconds] == pytest.approx([0.25, 2.05])


def test_what_always_takes_twice_as_long_is_soon_told_so() -> None:
    estimator = taught(replace(SPENT, lag_seconds=0.0))
    for _ in range(40):
        estimator.learn_from_end("fake", Estimate(1.0, 5.0), Estimate(2.0, 10.0))
    told = estimator.corrected("fake", Estimate(1.0, 5.0))
    assert told.first_audio_seconds == pytest.approx(2.0, rel=0.05)
    assert told.finish_seconds == pytest.approx(10.0, rel=0.05)


def test_one_wild_song_does_not_spoil_the_estimates() -> None:
    estimator = taught(replace(SPENT, lag_seconds=0.0))
    estimator.learn_from_end("fake", Estimate(1.0, 1.0), Estimate(1e6, 1e6))
    assert estimator.corrected("fake", Estimate(1.0, 1.0)).finish_seconds < 1.5
