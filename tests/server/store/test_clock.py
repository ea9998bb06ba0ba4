"""Tests of the clock by which songs grow old, while the wall clock jumps."""

from server.store.clock import HOLD_SECONDS, TOLERANCE_SECONDS, AgeClock, Believed

_NS, HOUR, MONTH = 1_000_000_000, 3600.0, 30 * 24 * 3600.0
START = 1_000_000.0


class Clocks:
    """A wall clock that may jump, a monotonic clock, and the clock under test, which reads both."""

    def __init__(self, known: Believed | None = None, jump_seconds: float = 0.0) -> None:
        self.passed, self.jump = 0.0, jump_seconds
        self.age = AgeClock(lambda: round((START + self.passed + self.jump) * _NS), lambda: self.passed, known)

    def after(self, seconds: float, *, jump_seconds: float = 0.0) -> float:
        """Let `seconds` pass and the wall clock jump; return the time of the clock under test, in seconds since the
        start.
        """
        self.passed, self.jump = self.passed + seconds, self.jump + jump_seconds
        return self.age.now_ns() / _NS - START


def test_a_clock_that_goes_right_is_believed() -> None:
    clocks = Clocks()
    assert [clocks.after(HOUR) for _ in range(3)] == [HOUR, 2 * HOUR, 3 * HOUR]


def test_a_jump_ahead_is_doubted_until_it_has_lasted() -> None:
    clocks = Clocks()
    assert clocks.after(60, jump_seconds=MONTH) == 60
    assert clocks.after(HOLD_SECONDS - 120) == HOLD_SECONDS - 60
    assert clocks.after(120) == MONTH + HOLD_SECONDS + 60
    assert clocks.after(60) == MONTH + HOLD_SECONDS + 120


def test_a_clock_that_is_put_right_again_is_believed_at_once() -> None:
    clocks = Clocks()
    clocks.after(60, jump_seconds=MONTH)
    assert clocks.after(60, jump_seconds=-MONTH) == 120
    assert clocks.after(60, jump_seconds=MONTH) == 180  # doubted for as long as the first one
    assert clocks.after(HOLD_SECONDS - 120) == HOLD_SECONDS + 60


def test_a_clock_that_goes_back_is_followed() -> None:
    clocks = Clocks()
    assert clocks.after(60, jump_seconds=-MONTH) == 60 - MONTH


def test_small_steps_are_believed() -> None:
    clocks = Clocks()
    assert clocks.after(1, jump_seconds=TOLERANCE_SECONDS) == 1 + TOLERANCE_SECONDS


def test_doubt_outlives_a_restart_and_counts_on() -> None:
    first = Clocks(jump_seconds=0)
    first.after(HOLD_SECONDS / 2, jump_seconds=MONTH)
    first.after(HOLD_SECONDS / 4)
    second = Clocks(first.age.believed, jump_seconds=MONTH + HOLD_SECONDS)
    assert second.after(60) < HOLD_SECONDS + HOUR
    assert second.after(HOLD_SECONDS) > MONTH
