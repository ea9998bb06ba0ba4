import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.telemetry.sliding_window import MAX_VALUES, SlidingRate, SlidingWindow, percentile


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=250), st.sampled_from([1, 5, 50, 90, 95, 99, 100]))
def test_percentiles_are_those_of_numpy(values: list[float], percent: int) -> None:
    assert percentile(values, percent) == np.percentile(values, percent, method="inverted_cdf")


def test_values_are_forgotten_when_their_time_has_passed() -> None:
    clock = Clock()
    window = SlidingWindow(10.0, clock)
    window.add(1.0)
    clock.now = 6.0
    window.add(2.0)
    clock.now = 10.0
    assert window.values() == [1.0, 2.0]
    clock.now = 10.1
    assert window.values() == [2.0]
    clock.now = 17.0
    assert window.values() == []


def test_of_too_many_values_the_newest_are_kept() -> None:
    window = SlidingWindow(10.0, Clock())
    for value in range(MAX_VALUES + 3):
        window.add(value)
    assert window.values() == list(range(3, MAX_VALUES + 3))


@pytest.mark.parametrize("start", [0.0, 1234.5])
def test_a_rate_is_over_the_time_since_the_start_until_the_window_is_full(start: float) -> None:
    clock = Clock(start)
    window = SlidingRate(60.0, clock, start)
    assert window.per_second() == 0.0
    clock.now = start + 5.0
    window.add(2.0)
    clock.now = start + 10.0
    window.add(3.0)
    assert window.per_second() == pytest.approx(0.5)


def test_a_steady_rate_is_measured_whatever_the_moment() -> None:
    clock = Clock()
    window = SlidingRate(60.0, clock, 0.0)
    for tick in range(1, 4001):
        clock.now = tick / 16
        window.add(0.025)
        if tick > 16:
            assert window.per_second() == pytest.approx(0.4, rel=0.03)


def test_a_rate_falls_to_zero_when_nothing_is_added_for_the_whole_time() -> None:
    clock = Clock()
    window = SlidingRate(60.0, clock, 0.0)
    window.add(30.0)
    clock.now = 59.0
    assert window.per_second() == pytest.approx(30.0 / 59.0)
    clock.now = 61.0
    assert window.per_second() == 0.0
