import pytest

from server.workers.messages import (
    Failed,
    Failure,
    Fault,
    Lane,
    Ping,
    Plan,
    Prepare,
    Release,
    Render,
    SectionStep,
    SongKey,
    Step,
    Stepped,
)
from tests.server.scheduling.desk import BOTH_LANES, Desk, kinds, opened, section
from tests.support.fakes import FakeOutlet, params


class TestTwoLanes:
    """Tests of a device that renders in a second lane (command queue) while it denoises."""

    def desk(self) -> Desk:
        desk = opened(lanes=BOTH_LANES)
        desk.add("a")
        return desk

    def test_the_denoising_lane_does_nothing_but_steps(self) -> None:
        desk = self.desk()
        assert desk.turn(lane=Lane.DENOISE) is None
        assert kinds(desk.turns(2, lane=Lane.RENDER)) == [Plan, Prepare]
        assert kinds(desk.turns(2, lane=Lane.DENOISE)) == [Step, Step]
        assert desk.turn(lane=Lane.RENDER) == Render(section("a"))

    def test_the_next_section_is_prepared_while_one_is_denoised(self) -> None:
        desk = self.desk()
        assert desk.turns(3, lane=Lane.RENDER)[-1] == Prepare(section("a", 1))

    def test_the_next_section_is_denoised_while_one_is_rendered_but_not_the_one_after(self) -> None:
        desk = opened(lanes=BOTH_LANES)
        desk.scheduler.add("long", "fake", params(duration_seconds=6.0), FakeOutlet())
        desk.turns(3, lane=Lane.RENDER)
        assert desk.turns(5, lane=Lane.DENOISE)[-2:] == [Step((section("long", 1),)), None]
        rendered = desk.turns(4, lane=Lane.RENDER)
        assert rendered[:3] == [Render(section("long", 0))] * 3
        assert rendered[3] == Render(section("long", 1))

    def test_the_next_step_may_be_given_out_while_one_is_on_its_way(self) -> None:
        desk = self.desk()
        desk.turns(3, lane=Lane.RENDER)
        on_way = [desk.scheduler.next_command("cpu", Lane.DENOISE) for _ in range(5)]
        first, second = Step((section("a"),)), Step((section("a", 1),))
        assert on_way == [first, first, second, second, None]
        assert desk.turn(lane=Lane.RENDER) is None
        desk.finish(first, lane=Lane.DENOISE)
        assert desk.turn(lane=Lane.RENDER) is None
        desk.finish(first, lane=Lane.DENOISE)
        assert desk.turn(lane=Lane.RENDER) == Render(section("a"))

    def test_only_what_a_worker_was_doing_makes_songs_suspect(self) -> None:
        desk = self.desk()
        desk.add("b")
        desk.turns(6, lane=Lane.RENDER)
        desk.outlets["b"].full = True
        assert desk.scheduler.next_command("cpu", Lane.DENOISE) == Step((section("a"),))
        desk.outlets["b"].full, desk.outlets["a"].full = False, True
        assert desk.scheduler.next_command("cpu", Lane.DENOISE) == Step((section("b"),))
        desk.scheduler.close("cpu")
        desk.outlets["a"].full = False
        desk.scheduler.open("cpu", ["fake"])
        desk.turns(4, lane=Lane.RENDER)
        steps = desk.turns(6, lane=Lane.DENOISE)
        alone = [step for step in steps if isinstance(step, Step) and len(step.sections) == 1]
        assert Step((section("a", 0, 1),)) in alone

    def test_a_step_is_foretold_from_those_before(self) -> None:
        desk = self.desk()
        desk.turns(3, lane=Lane.RENDER)
        step = desk.scheduler.next_command("cpu", Lane.DENOISE)
        assert step is not None
        assert desk.scheduler.step_seconds("cpu", step) is None
        for _ in range(10):
            desk.scheduler.done("cpu", Stepped((SectionStep(section("a"), 1, 2),), (), 0.1), Lane.DENOISE)
        assert desk.scheduler.step_seconds("cpu", step) == pytest.approx(0.1)
        assert desk.scheduler.step_seconds("cpu", Ping()) is None

    def test_a_song_is_forgotten_when_no_lane_works_on_it_any_more(self) -> None:
        desk = self.desk()
        desk.turns(3, lane=Lane.RENDER)
        step, following = (desk.scheduler.next_command("cpu", Lane.DENOISE) for _ in range(2))
        assert step is not None
        assert following is not None
        desk.scheduler.drop("a")
        assert desk.turn(lane=Lane.RENDER) is None
        desk.finish(step, lane=Lane.DENOISE)
        assert [desk.turn(lane=lane) for lane in BOTH_LANES] == [None, None]
        desk.finish(following, lane=Lane.DENOISE)
        assert desk.turns(2, lane=Lane.RENDER) == [Release(SongKey("a")), None]

    def test_a_song_that_is_worked_on_keeps_no_other_from_being_forgotten(self) -> None:
        desk = self.desk()
        desk.add("b")
        desk.turns(6, lane=Lane.RENDER)
        desk.outlets["b"].full = True
        assert desk.scheduler.next_command("cpu", Lane.DENOISE) == Step((section("a"),))
        desk.scheduler.drop("a")
        desk.scheduler.drop("b")
        assert desk.turns(2, lane=Lane.RENDER) == [Release(SongKey("b")), None]

    def test_an_attempt_that_failed_is_forgotten_while_the_next_one_is_worked_on(self) -> None:
        desk = self.desk()
        desk.turns(3, lane=Lane.RENDER)
        step = desk.scheduler.next_command("cpu", Lane.DENOISE)
        assert step is not None
        desk.scheduler.done("cpu", Failed(SongKey("a"), Failure(Fault.BUG, "")), Lane.RENDER)
        assert kinds(desk.turns(2, lane=Lane.RENDER)) == [Plan, Prepare]
        desk.finish(step, lane=Lane.DENOISE)
        assert desk.scheduler.next_command("cpu", Lane.RENDER) == Release(SongKey("a"))

    def test_a_section_denoised_ahead_is_finished_for_the_next_attempt(self) -> None:
        desk = self.desk()
        desk.turns(3, lane=Lane.RENDER)
        desk.turns(4, lane=Lane.DENOISE)
        desk.turn(lane=Lane.RENDER)
        desk.scheduler.close("cpu")
        desk.scheduler.open("cpu", ["fake"])
        plan = Plan(SongKey("a", 1), "fake", params(), 0, b"", (b"finished 0", b"finished 1"))
        assert desk.turn(lane=Lane.RENDER) == plan
        assert desk.turn(lane=Lane.DENOISE) is None
        assert desk.turns(6, lane=Lane.RENDER) == [Render(section("a", index, 1)) for index in (0, 0, 0, 1, 1, 1)]

    def test_a_whole_song_is_made(self) -> None:
        desk = self.desk()
        for _ in range(10):
            desk.turn(lane=Lane.RENDER)
            desk.turn(lane=Lane.DENOISE)
        assert desk.windows == {section("a", 0): 3, section("a", 1): 3}
        assert not desk.scheduler.is_current(SongKey("a"))
