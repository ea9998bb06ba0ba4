import pytest

from melisma_client import DeadlineExceeded, DeadlineTooShort, MelismaError, Overloaded, Retry, ServerFault, Unavailable


def test_waits_double_within_a_half_of_jitter() -> None:
    waits = [Retry(first_wait_seconds=1).wait_seconds(Unavailable(), attempt) for attempt in (1, 2, 3)]
    assert [low <= (wait or 0) <= 2 * low for wait, low in zip(waits, (0.5, 1.0, 2.0), strict=True)] == [True] * 3


def test_a_wait_never_exceeds_the_longest() -> None:
    assert Retry(attempts=99, longest_wait_seconds=3).wait_seconds(Unavailable(), 50) <= 3  # type: ignore[operator]


def test_the_last_attempt_is_the_last() -> None:
    assert Retry(attempts=2).wait_seconds(Unavailable(), 2) is None


def test_the_servers_advice_is_a_lower_bound() -> None:
    assert Retry(first_wait_seconds=0.1).wait_seconds(Overloaded("full", 5.0), 1) == 5.0


@pytest.mark.parametrize(
    "error", [Overloaded("full"), DeadlineTooShort("too short", 1.0), DeadlineExceeded(), ServerFault(), MelismaError()]
)
def test_other_failures_are_final(error: MelismaError) -> None:
    assert Retry().wait_seconds(error, 1) is None
