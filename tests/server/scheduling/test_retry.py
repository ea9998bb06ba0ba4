import pytest

from server.scheduling.retry import AttemptHistory, RetryDecision
from server.workers.messages import Fault

STEP = ("Step", 2, 5)


def test_a_song_that_ends_workers_at_the_same_point_twice_is_poisoned() -> None:
    history = AttemptHistory()
    assert history.worker_lost(STEP, retries=3) is RetryDecision.RETRY
    assert history.isolated
    assert history.worker_lost(STEP, retries=3) is RetryDecision.POISONED


def test_a_song_that_only_stood_by_is_not_suspected() -> None:
    history = AttemptHistory()
    for _ in range(3):
        assert history.worker_lost(None, retries=3) is RetryDecision.RETRY
    assert not history.isolated
    assert history.worker_lost(None, retries=3) is RetryDecision.GIVE_UP


def test_workers_lost_at_different_points_are_no_proof() -> None:
    history = AttemptHistory()
    verdicts = [history.worker_lost(("Step", 2, step), retries=2) for step in range(3)]
    assert verdicts == [RetryDecision.RETRY, RetryDecision.RETRY, RetryDecision.GIVE_UP]


def test_the_end_of_the_section_clears_the_suspicion_and_that_of_one_before_does_not() -> None:
    history = AttemptHistory()
    history.worker_lost(STEP, retries=3)
    history.section_done(1)
    assert history.isolated
    history.section_done(2)
    assert not history.isolated


def test_a_bug_that_came_to_several_songs_proves_nothing_against_one_of_them() -> None:
    history = AttemptHistory()
    verdicts = [history.failed(Fault.BUG, STEP, retries=3, shared=shared) for shared in (True, True, False, False)]
    assert verdicts == [RetryDecision.RETRY, RetryDecision.RETRY, RetryDecision.RETRY, RetryDecision.GIVE_UP]
    assert history.isolated


@pytest.mark.parametrize("fault", [Fault.CALLER, Fault.INSTALLATION])
def test_what_would_fail_again_for_sure_is_not_tried_again(fault: Fault) -> None:
    assert AttemptHistory().failed(fault, STEP, retries=3) is RetryDecision.GIVE_UP


def test_an_error_is_tried_again_once_at_the_same_point() -> None:
    history = AttemptHistory()
    assert history.failed(Fault.BUG, STEP, retries=3) is RetryDecision.RETRY
    assert history.failed(Fault.BUG, STEP, retries=3) is RetryDecision.GIVE_UP


def test_a_lack_of_memory_may_pass() -> None:
    history = AttemptHistory()
    verdicts = [history.failed(Fault.MEMORY, STEP, retries=2) for _ in range(3)]
    assert verdicts == [RetryDecision.RETRY, RetryDecision.RETRY, RetryDecision.GIVE_UP]
