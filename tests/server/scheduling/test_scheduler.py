from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import pytest

from model.song import SectionScore
from server.scheduling.device_usage import Usage
from server.scheduling.policy import Policy
from server.scheduling.retry import Lost, Verdict
from server.scheduling.scheduler import Scheduler
from server.workers.device_spec import DeviceSpec
from server.workers.messages import (
    Command,
    Done,
    Failed,
    Failure,
    Fault,
    Forget,
    Lane,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SectionStep,
    SongKey,
    Step,
    Stepped,
)
from tests.support.fakes import FakeEngine, FakeOutlet, ManualClock, params

COST = 10
MEMORY_BYTES = 1000
RATE_HERTZ = 100
POLICY = Policy(margin_seconds=0.0)
BOTH_LANES = (Lane.DENOISE, Lane.RENDER)


class Desk:
    """A scheduler with one song after another put on it, and devices that do what they are told in no time."""

    def __init__(self, *devices: DeviceSpec, policy: Policy = POLICY, retries: int = 3) -> None:
        self.clock = ManualClock()
        self.outlets: dict[str, FakeOutlet] = {}
        self.steps: dict[SectionKey, int] = {}
        self.windows: dict[SectionKey, int] = {}
        self.scheduler = Scheduler(
            devices or (device(),), policy=policy, clock=self.clock, weights={"paying": 4.0}, retries=retries
        )

    def add(self, song_id: str, engine: str = "fake", caller: str = "", work_seconds: float = 1.0) -> FakeOutlet:
        self.outlets[song_id] = FakeOutlet()
        self.scheduler.add(song_id, engine, params(), self.outlets[song_id], caller=caller, work_seconds=work_seconds)
        self.clock.now += 0.001
        return self.outlets[song_id]

    def turn(self, device: str = "cpu", lane: Lane = Lane.BOTH) -> Command | None:
        """One command, done; the song's windows last a second each."""
        command = self.scheduler.next_command(device, lane)
        if command is not None:
            self.finish(command, device, lane)
        return command

    def finish(self, command: Command, device: str = "cpu", lane: Lane = Lane.BOTH) -> tuple[Lost, ...]:
        return self.scheduler.done(device, self.reply(command), lane)

    def turns(self, count: int, device: str = "cpu", lane: Lane = Lane.BOTH) -> list[Command | None]:
        return [self.turn(device, lane) for _ in range(count)]

    def until(self, wanted: Command, lane: Lane = Lane.BOTH) -> None:
        """Turns up to this command, which is due but not done when it returns."""
        for _ in range(100):
            command = self.scheduler.next_command("cpu", lane)
            assert command is not None
            if command == wanted:
                return
            self.finish(command, lane=lane)
        raise AssertionError("it never came")

    def reply(self, command: Command) -> Reply:
        match command:
            case Plan():
                return Planned(command.song, FakeEngine().plan(command.params), RATE_HERTZ, 0.1)
            case Prepare(section):
                return Prepared(section, COST, COST, 2, MEMORY_BYTES, "", 0.1)
            case Step(sections):
                return Stepped(tuple(map(self._step, sections)), (), 0.1)
            case Render(section):
                return self._window(section)
            case Forget() | Ping():
                return Done()

    def _step(self, section: SectionKey) -> SectionStep:
        self.steps[section] = step = self.steps.get(section, 0) + 1
        return SectionStep(section, step, 2)

    def _window(self, section: SectionKey) -> Rendered:
        self.windows[section] = count = self.windows.get(section, 0) + 1
        samples = RATE_HERTZ if count <= 2 else 0
        score, saved = SectionScore() if count == 1 else None, b"" if samples else b"saved"
        return Rendered(section, b"", samples, RATE_HERTZ, samples == 0, 0.1, score, saved)


def device(name: str = "cpu", **changes: Any) -> DeviceSpec:
    return DeviceSpec(name, "cpu", **{"running_songs": 8, **changes})


def opened(*, retries: int = 3, policy: Policy = POLICY, **changes: Any) -> Desk:
    desk = Desk(device("cpu", **changes), policy=policy, retries=retries)
    desk.scheduler.open("cpu", ["fake"])
    return desk


def section(song_id: str, index: int = 0, attempt: int = 0) -> SectionKey:
    return SectionKey(SongKey(song_id, attempt), index)


def plan(song_id: str) -> Plan:
    return Plan(SongKey(song_id), "fake", params())


def kinds(commands: Sequence[Command | None]) -> list[type]:
    return [type(command) for command in commands]


def test_a_song_is_planned_prepared_stepped_and_rendered_section_by_section() -> None:
    desk = opened()
    desk.add("a")
    one_section: list[type] = [Prepare, Step, Step, Render, Render, Render]
    assert kinds(desk.turns(15)) == [Plan, *one_section, *one_section, Forget, type(None)]


def test_a_new_song_goes_before_one_that_is_heard_already() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(5)
    desk.add("b")
    assert kinds(desk.turns(3)) == [Plan, Prepare, Step]


def test_the_listener_who_runs_out_first_is_served_first() -> None:
    desk = opened()
    desk.add("a")
    desk.add("b")
    desk.turns(6)
    assert desk.turns(4) == [Render(section(song_id)) for song_id in ("a", "b", "a", "b")]


def test_songs_that_nobody_hears_yet_go_by_arrival() -> None:
    desk = opened()
    desk.add("a")
    desk.add("b")
    assert desk.turn() == plan("a")


def test_songs_join_before_a_step_and_share_it() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(3)
    desk.add("b")
    assert desk.turns(2) == [plan("b"), Prepare(section("b"))]
    assert desk.turn() == Step((section("a"), section("b")))


def test_sections_leave_the_batch_when_they_are_finished() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(3)
    desk.add("b")
    desk.turns(3)
    assert desk.turns(2) == [Render(section("a")), Step((section("b"),))]


def test_a_batch_stays_within_the_budget_of_tokens() -> None:
    desk = opened(batch_tokens=2 * COST)
    for song_id in "abc":
        desk.add(song_id)
    steps = [command for command in desk.turns(12) if isinstance(command, Step)]
    assert steps[0] == Step((section("a"), section("b")))
    assert all(len(step.sections) <= 2 for step in steps)


def test_without_batching_every_step_has_one_section() -> None:
    desk = opened(batch_sections=1)
    for song_id in "abc":
        desk.add(song_id)
    steps = [command for command in desk.turns(30) if isinstance(command, Step)]
    assert all(len(step.sections) == 1 for step in steps)


def test_a_song_far_ahead_does_not_slow_down_one_that_is_waited_for() -> None:
    desk = opened()
    ahead = desk.add("a")
    desk.turns(8)
    ahead.unsent_seconds = 50.0
    desk.turn()
    desk.add("b")
    steps = [command for command in desk.turns(4) if isinstance(command, Step)]
    assert steps == [Step((section("b"),))] * 2


def test_sections_of_two_engines_never_share_a_step() -> None:
    desk = Desk()
    desk.scheduler.open("cpu", ["fake", "other"])
    desk.add("a")
    desk.add("b", engine="other")
    steps = [command for command in desk.turns(20) if isinstance(command, Step)]
    assert all(len(step.sections) == 1 for step in steps)


def test_a_song_whose_listener_takes_nothing_gets_no_work() -> None:
    desk = opened()
    outlet = desk.add("a")
    desk.turns(3)
    outlet.full = True
    assert desk.turn() is None
    desk.add("b")
    assert kinds(desk.turns(3)) == [Plan, Prepare, Step]
    outlet.full = False
    assert desk.turn() == Step((section("a"), section("b")))


def test_nobody_starves_beside_ever_new_songs() -> None:
    desk = opened(running_songs=3)
    desk.add("old")
    desk.turns(5)
    for number in range(40):
        desk.clock.now += 1.0
        desk.add(f"new{number}")
        desk.turns(3)
    assert desk.windows.get(section("old", 1), 0) > 0


def test_a_dropped_song_gets_no_more_work_and_is_forgotten() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(3)
    desk.scheduler.drop("a")
    assert desk.turns(2) == [Forget(SongKey("a")), None]


def test_a_reply_about_a_dropped_song_is_ignored() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(2)
    command = desk.scheduler.next_command("cpu")
    assert command is not None
    desk.scheduler.drop("a")
    desk.finish(command)
    assert desk.turns(2) == [Forget(SongKey("a")), None]


def test_songs_beyond_the_limit_wait_until_one_is_done() -> None:
    desk = opened(running_songs=1)
    desk.add("a")
    desk.add("b")
    assert desk.scheduler.waiting("fake") == ("b",)
    assert [desk.scheduler.device_of(song_id) for song_id in ("a", "b", "nobody")] == ["cpu", None, None]
    assert plan("b") not in desk.turns(13)
    assert desk.turns(2) == [Forget(SongKey("a")), plan("b")]


def test_a_song_far_ahead_of_its_listener_does_not_keep_another_waiting() -> None:
    desk = opened(running_songs=1)
    ahead = desk.add("a")
    desk.add("b")
    desk.turns(5)
    assert desk.scheduler.waiting("fake") == ("b",)
    ahead.unsent_seconds = 70.0
    assert desk.turn() == plan("b")


def test_a_song_goes_to_the_device_that_will_be_done_first_and_stays() -> None:
    desk = Desk(device("one"), device("two"))
    for name in ("one", "two"):
        desk.scheduler.open(name, ["fake"])
    desk.add("a", work_seconds=5.0)
    desk.add("b", work_seconds=1.0)
    desk.add("c", work_seconds=1.0)
    assert [desk.turn("one"), desk.turn("two")] == [plan("a"), plan("b")]
    assert desk.turn("one") == Prepare(section("a"))
    assert desk.turns(2, "two") == [Prepare(section("b")), plan("c")]


def test_a_song_waits_for_a_device_that_has_its_engine() -> None:
    desk = Desk(device("one"), device("two"))
    desk.scheduler.open("one", ["other"])
    desk.add("a")
    assert desk.turn("one") is None
    desk.scheduler.open("two", ["fake"])
    assert desk.turn("two") == plan("a")


def test_sections_that_memory_does_not_hold_are_not_opened() -> None:
    desk = opened(memory_bytes=2 * MEMORY_BYTES)
    for song_id in "abc":
        desk.add(song_id)
    steps = [command for command in desk.turns(60) if isinstance(command, Step)]
    assert max(len(step.sections) for step in steps) == 2
    assert desk.windows[section("c", 1)] == 3


def test_a_batch_that_did_not_fit_makes_the_next_ones_smaller() -> None:
    desk = opened()
    for song_id in "abcd":
        desk.add(song_id)
    desk.turns(8)
    step = desk.scheduler.next_command("cpu")
    assert isinstance(step, Step)
    assert len(step.sections) == 4
    desk.scheduler.done("cpu", Stepped((), (), 0.1, fits=2))
    following = [command for command in desk.turns(10) if isinstance(command, Step)]
    assert max(len(step.sections) for step in following) == 2


@pytest.mark.parametrize(("caller", "next_song"), [("greedy", "other"), ("paying", "more")])
def test_the_caller_who_was_given_more_by_weight_stands_back(caller: str, next_song: str) -> None:
    desk = opened(policy=Policy(margin_seconds=0.0, share_lead_seconds=0.5))
    desk.add("first", caller=caller)
    held_back = [desk.add("more", caller=caller), desk.add("other", caller="b")]
    for outlet in held_back:
        outlet.full = True
    desk.turns(7)
    for outlet in held_back:
        outlet.full = False
    assert desk.turn() == plan(next_song)


def test_a_listener_who_takes_nothing_does_not_keep_the_memory_from_others() -> None:
    desk = opened(memory_bytes=MEMORY_BYTES)
    outlet = desk.add("a")
    desk.turns(5)
    outlet.full = True
    desk.add("b")
    desk.turns(13)
    assert desk.windows[section("b", 1)] == 3


def test_what_a_song_takes_of_a_device_is_written_down() -> None:
    desk, usages = opened(), [Usage(), Usage()]
    for song_id, usage in zip("ab", usages, strict=True):
        desk.scheduler.add(song_id, "fake", params(), FakeOutlet(), usage=usage)
    desk.turns(7)
    assert astuple(usages[0]) == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert astuple(usages[1]) == pytest.approx((0.1, 0.2, 0.2, None))


class TestTwoLanes:
    """A device that renders beside denoising."""

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

    def test_a_whole_song_is_made(self) -> None:
        desk = self.desk()
        for _ in range(10):
            desk.turn(lane=Lane.RENDER)
            desk.turn(lane=Lane.DENOISE)
        assert desk.windows == {section("a", 0): 3, section("a", 1): 3}
        assert not desk.scheduler.is_current(SongKey("a"))


class TestFailure:
    """Workers that end and engines that raise."""

    def test_songs_of_a_closed_device_go_on_elsewhere_from_their_last_boundary(self) -> None:
        desk = opened()
        desk.add("a")
        desk.turns(8)
        assert desk.scheduler.close("cpu") == (Lost("a", Verdict.RETRY),)
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
        desk.turns(5)
        desk.add("b")
        desk.turns(5)
        assert desk.turn() == Render(section("a", 0, 1))

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
        assert {lost.verdict for lost in desk.scheduler.close("cpu")} == {Verdict.RETRY}
        desk.scheduler.open("cpu", ["fake"])
        desk.until(Step((section("poison", 0, 1),)))
        verdicts = {lost.song_id: lost.verdict for lost in desk.scheduler.close("cpu")}
        assert verdicts == {"poison": Verdict.POISONED, "b": Verdict.RETRY}

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
        for attempt, verdict in enumerate([Verdict.RETRY, Verdict.GIVE_UP]):
            desk.until(Prepare(section("a", 0, attempt)))
            failed = Failed(SongKey("a", attempt), failure)
            assert desk.scheduler.done("cpu", failed) == (Lost("a", verdict, failed),)
        assert desk.turns(2) == [Forget(SongKey("a", 1)), None]

    @pytest.mark.parametrize("prepared", [1, 5])
    def test_a_failed_song_is_forgotten_and_the_others_go_on(self, prepared: int) -> None:
        desk = opened()
        desk.add("a")
        desk.add("b")
        desk.turns(prepared)
        failed = Failed(SongKey("a"), Failure(Fault.CALLER, ""))
        assert desk.scheduler.done("cpu", failed) == (Lost("a", Verdict.GIVE_UP, failed),)
        assert desk.turn() == Forget(SongKey("a"))
        stepped = {one.song.song_id for step in desk.turns(8) if isinstance(step, Step) for one in step.sections}
        assert stepped == {"b"}

    def test_a_song_is_not_tried_for_ever(self) -> None:
        desk = opened(retries=2)
        desk.add("a")
        verdicts = []
        for _ in range(3):
            desk.turns(2)
            verdicts += [lost.verdict for lost in desk.scheduler.close("cpu")]
            desk.scheduler.open("cpu", ["fake"])
        assert verdicts == [Verdict.RETRY, Verdict.RETRY, Verdict.GIVE_UP]
