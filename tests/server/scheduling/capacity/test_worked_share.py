import pytest

from server.scheduling.capacity.worked_share import WorkedShare


def worked(*, seconds: float, every: float, times: int = 200) -> WorkedShare:
    share = WorkedShare()
    share.has_work(0.0)
    for count in range(1, times + 1):
        share.add(count * every, seconds)
    return share


def test_it_is_all_of_the_time_at_first() -> None:
    assert WorkedShare().value == 1.0


def test_what_passes_between_commands_is_not_worked() -> None:
    assert worked(seconds=0.09, every=0.1).value == pytest.approx(0.9, abs=0.01)


def test_a_device_that_has_nothing_to_do_loses_nothing() -> None:
    share = WorkedShare()
    for begins in range(0, 1000, 10):
        share.has_work(float(begins))
        share.add(begins + 1.0, 1.0)
        share.has_none()
    assert share.value == pytest.approx(1.0)


def test_two_lanes_at_once_count_once() -> None:
    assert worked(seconds=0.18, every=0.1).value == 1.0


def test_it_is_never_taken_for_less_than_half() -> None:
    assert worked(seconds=0.001, every=0.1).value == 0.5


def test_it_follows_a_change_within_some_seconds() -> None:
    share = worked(seconds=0.1, every=0.1)
    for count in range(1, 101):
        share.add(20.0 + 0.1 * count, 0.08)
    assert share.value == pytest.approx(0.82, abs=0.02)
