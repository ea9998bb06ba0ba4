import pytest

from server.scheduling.policy import Policy
from server.scheduling.retry import FailedAttempt, RetryDecision
from server.workers.messages import (
    Failed,
    Failure,
    Fault,
    Plan,
    Prepare,
    Release,
    Render,
    SectionStep,
    SongKey,
    Step,
    Stepped,
)
from tests.server.scheduling.desk import opened, plan, section
from tests.support.fakes import params


class TestFailure:
    """Tests of the scheduler when a worker ends, or an engine raises an error."""

    def test_songs_of_a_closed_device_go_on_elsewhere_from_their_last_boundary(self) -> None:
        desk = opened()
        desk.add("a")
        desk.turns(8)
        assert desk.scheduler.close("cpu") == (FailedAttempt("a", RetryDecision.RETRY),)
        assert desk.turn() is None
        desk.scheduler.open("cpu", ["fake"])
        assert desk.turn() == Plan(SongKey("a", 1), "fake", params(), 1, b"saved")
        assert desk.turns(2) == [Prepare(section("a", 1, 1)), Step((section("a", 1, 1),))]

    def test_what_is_rendered_again_does_not_count_as_sound_in_hand(self) -> None:
        desk = opened(policy=Policy(margin_seconds=0.0, comfort_seconds=1.5))
        desk.add("a")
        desk.turns(5)
        desk.scheduler.close("cpu")
        desk.scheduler.open("cpu", ["fake"])
        desk.turns(2)
        desk.add("b")
        desk.turns(5)
        assert desk.turn() == Render(section("a", 0, 1))

    def test_what_was_denoised_is_rendered_from_its_beginning_and_not_denoised_again(self) -> None:
        desk = opened()
        desk.add("a")
        desk.turns(5)
        desk.scheduler.close("cpu")
        desk.scheduler.open("cpu", ["fake"])
        assert desk.turn() == Plan(SongKey("a", 1), "fake", params(), 0, b"", (b"finished 0",))
        assert desk.turns(3) == [Render(section("a", 0, 1))] * 3
        assert desk.turns(2) == [Prepare(section("a", 1, 1)), Step((section("a", 1, 1),))]
        desk.scheduler.close("cpu")
        desk.scheduler.open("cpu", ["fake"])
        assert desk.turn() == Plan(SongKey("a", 2), "fake", params(), 1, b"saved")

    def test_what_an_earlier_attempt_says_is_ignored(self) -> None:
        desk = opened()
        desk.add("a")
        desk.turns(3)
        desk.scheduler.close("cpu")
        desk.scheduler.open("cpu", ["fake"])
        desk.turn()
        desk.scheduler.done("cpu", Stepped((SectionStep(section("a"), 2, 2),), (), 0.1))
        assert desk.turn() == Prepare(section("a", 0, 1))

    def test_a_song_that_ends_workers_at_one_point_is_given_up_and_its_neighbours_are_not(self) -> None:
        desk = opened()
        desk.add("poison")
        desk.add("b")
        desk.until(Step((section("poison"), section("b"))))
        assert {lost.decision for lost in desk.scheduler.close("cpu")} == {RetryDecision.RETRY}
        desk.scheduler.open("cpu", ["fake"])
        desk.until(Step((section("poison", 0, 1),)))
        verdicts = {lost.song_id: lost.decision for lost in desk.scheduler.close("cpu")}
        assert verdicts == {"poison": RetryDecision.POISONED, "b": RetryDecision.RETRY}

    def test_songs_that_only_stood_by_are_batched_again(self) -> None:
        desk = opened()
        for song_id in "abc":
            desk.add(song_id)
        desk.until(plan("c"))
        desk.scheduler.close("cpu")
        desk.scheduler.open("cpu", ["fake"])
        desk.until(Step((section("a", 0, 1), section("b", 0, 1))))

    def test_an_error_is_tried_again_and_then_told(self) -> None:
        desk = opened()
        desk.add("a")
        desk.turn()
        failure = Failure(Fault.BUG, "")
        for attempt, decision in enumerate([RetryDecision.RETRY, RetryDecision.GIVE_UP]):
            desk.until(Prepare(section("a", 0, attempt)))
            failed = Failed(SongKey("a", attempt), failure)
            assert desk.scheduler.done("cpu", failed) == (FailedAttempt("a", decision, failed),)
        assert desk.turns(2) == [Release(SongKey("a", 1)), None]

    def test_songs_that_fail_together_go_on_alone_and_the_innocent_is_not_given_up(self) -> None:
        desk = opened()
        desk.add("a")
        desk.add("b")
        for attempt, together in enumerate([("a", "b"), ("a",), ("a",)]):
            step = Step(tuple(section(song_id, 0, attempt) for song_id in together))
            desk.until(step)
            failures = tuple(Failed(key.song, Failure(Fault.BUG, "")) for key in step.sections)
            lost = desk.scheduler.done("cpu", Stepped((), failures, 0.1))
            decision = RetryDecision.GIVE_UP if attempt == 2 else RetryDecision.RETRY
            assert [one.decision for one in lost] == [decision] * len(together)
        desk.until(Render(section("b", 1, 1)))

    @pytest.mark.parametrize("prepared", [1, 5])
    def test_a_failed_song_is_forgotten_and_the_others_go_on(self, prepared: int) -> None:
        desk = opened()
        desk.add("a")
        desk.add("b")
        desk.turns(prepared)
        failed = Failed(SongKey("a"), Failure(Fault.CALLER, ""))
        assert desk.scheduler.done("cpu", failed) == (FailedAttempt("a", RetryDecision.GIVE_UP, failed),)
        assert desk.turn() == Release(SongKey("a"))
        stepped = {one.song.song_id for step in desk.turns(8) if isinstance(step, Step) for one in step.sections}
        assert stepped == {"b"}

    def test_a_song_is_not_tried_for_ever(self) -> None:
        desk = opened(retries=2)
        desk.add("a")
        verdicts = []
        for _ in range(3):
            desk.turns(2)
            verdicts += [lost.decision for lost in desk.scheduler.close("cpu")]
            desk.scheduler.open("cpu", ["fake"])
        assert verdicts == [RetryDecision.RETRY, RetryDecision.RETRY, RetryDecision.GIVE_UP]
