from collections.abc import Sequence

import pytest

from model.engine import SectionScore
from server.messages import (
    Begin,
    Begun,
    Command,
    Failed,
    Failure,
    Fault,
    Forget,
    Plan,
    Planned,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SectionStep,
    Step,
    Stepped,
)
from server.scheduler import Scheduler
from tests.fakes import FakeEngine, FakeOutlet, ManualClock, params

COST = 10
RATE_HERTZ = 100


class Desk:
    """A scheduler with one song after another put on it, and devices that do what they are told in no time."""

    def __init__(self, devices: Sequence[str] = ("cpu",), running: int = 8, tokens: int = 1000) -> None:
        self.clock = ManualClock()
        self.outlets: dict[str, FakeOutlet] = {}
        self.steps: dict[SectionKey, int] = {}
        self.windows: dict[SectionKey, int] = {}
        self.scheduler = Scheduler(
            devices, max_running_songs=running, max_batch_tokens=tokens, comfort_seconds=5.0, clock=self.clock
        )

    def add(self, song_id: str, engine: str = "fake") -> FakeOutlet:
        self.outlets[song_id] = FakeOutlet()
        self.scheduler.add(song_id, engine, params(), self.outlets[song_id])
        self.clock.now += 0.001
        return self.outlets[song_id]

    def turn(self, device: str = "cpu") -> Command | None:
        """One command, done; the song's windows last a second each."""
        command = self.scheduler.next_command(device)
        if command is not None and not isinstance(command, Forget):
            self.scheduler.done(device, self.reply(command))
        return command

    def turns(self, count: int, device: str = "cpu") -> list[Command | None]:
        return [self.turn(device) for _ in range(count)]

    def reply(self, command: Command) -> Reply:
        match command:
            case Plan():
                return Planned(command.song_id, FakeEngine().plan(command.params), RATE_HERTZ)
            case Begin(section):
                return Begun(section, COST, 2)
            case Step(sections):
                return Stepped(tuple(map(self._step, sections)), (), 0.1)
            case Render(section):
                return self._window(section)
            case Forget():
                raise AssertionError("nothing to reply")

    def _step(self, section: SectionKey) -> SectionStep:
        self.steps[section] = step = self.steps.get(section, 0) + 1
        return SectionStep(section, step, 2, SectionScore() if step == 2 else None)

    def _window(self, section: SectionKey) -> Rendered:
        self.windows[section] = count = self.windows.get(section, 0) + 1
        samples = RATE_HERTZ if count <= 2 else 0
        return Rendered(section, b"", samples, RATE_HERTZ, samples == 0, 0.1)


def opened(running: int = 8, tokens: int = 1000) -> Desk:
    desk = Desk(running=running, tokens=tokens)
    desk.scheduler.open("cpu", ["fake"])
    return desk


def section(song_id: str, index: int = 0) -> SectionKey:
    return SectionKey(song_id, index)


def test_a_song_is_planned_begun_stepped_and_rendered_section_by_section() -> None:
    desk = opened()
    desk.add("a")
    one_section = [Begin, Step, Step, Render, Render, Render]
    assert [type(command) for command in desk.turns(15)] == [Plan, *one_section, *one_section, Forget, type(None)]


def test_a_new_song_goes_before_one_that_is_heard_already() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(5)
    desk.add("b")
    assert [type(command) for command in desk.turns(3)] == [Plan, Begin, Step]


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
    assert desk.turn() == Plan("a", "fake", params())


def test_songs_join_before_a_step_and_share_it() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(3)
    desk.add("b")
    assert desk.turns(2) == [Plan("b", "fake", params()), Begin(section("b"))]
    assert desk.turn() == Step((section("a"), section("b")))


def test_sections_leave_the_batch_when_they_are_finished() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(3)
    desk.add("b")
    desk.turns(3)
    assert desk.turns(2) == [Render(section("a")), Step((section("b"),))]


def test_a_batch_stays_within_the_budget_of_tokens() -> None:
    desk = opened(tokens=2 * COST)
    for song_id in "abc":
        desk.add(song_id)
    steps = [command for command in desk.turns(12) if isinstance(command, Step)]
    assert steps[0] == Step((section("a"), section("b")))
    assert all(len(step.sections) <= 2 for step in steps)


def test_a_section_beyond_the_whole_budget_steps_alone() -> None:
    desk = opened(tokens=COST // 2)
    desk.add("a")
    assert desk.turns(3)[-1] == Step((section("a"),))


def test_a_song_far_ahead_does_not_slow_down_one_that_is_waited_for() -> None:
    desk = opened()
    ahead = desk.add("a")
    desk.turns(8)
    ahead.unsent_seconds = 60.0
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
    assert [type(command) for command in desk.turns(3)] == [Plan, Begin, Step]
    outlet.full = False
    assert desk.turn() == Step((section("a"), section("b")))


def test_nobody_starves_beside_ever_new_songs() -> None:
    desk = opened(running=3)
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
    assert desk.turns(2) == [Forget("a"), None]


def test_a_reply_about_a_dropped_song_is_ignored() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(2)
    command = desk.scheduler.next_command("cpu")
    assert command is not None
    desk.scheduler.drop("a")
    desk.scheduler.done("cpu", desk.reply(command))
    assert desk.turns(2) == [Forget("a"), None]


@pytest.mark.parametrize("prepared", [0, 3])
def test_a_failed_song_is_forgotten_and_the_others_go_on(prepared: int) -> None:
    desk = opened()
    desk.add("a")
    desk.turns(prepared)
    desk.add("b")
    failure = Failure("a", Fault.BUG, "")
    desk.scheduler.done("cpu", Stepped((), (failure,), 0.1) if prepared else Failed(failure))
    assert desk.turns(2) == [Forget("a"), Plan("b", "fake", params())]


def test_songs_beyond_the_limit_wait_until_one_is_done() -> None:
    desk = opened(running=1)
    desk.add("a")
    desk.add("b")
    assert desk.scheduler.waiting("fake") == ("b",)
    assert Plan("b", "fake", params()) not in desk.turns(13)
    assert desk.turns(2) == [Forget("a"), Plan("b", "fake", params())]


def test_a_song_goes_to_the_device_with_the_fewest_songs_and_stays() -> None:
    desk = Desk(devices=["one", "two"])
    for device in ("one", "two"):
        desk.scheduler.open(device, ["fake"])
    desk.add("a")
    desk.add("b")
    assert [desk.turn("one"), desk.turn("two")] == [Plan(song_id, "fake", params()) for song_id in "ab"]
    assert [desk.turn("one"), desk.turn("two")] == [Begin(section("a")), Begin(section("b"))]


def test_a_song_waits_for_a_device_that_has_its_engine() -> None:
    desk = Desk(devices=["one", "two"])
    desk.scheduler.open("one", ["other"])
    desk.add("a")
    assert desk.turn("one") is None
    desk.scheduler.open("two", ["fake"])
    assert desk.turn("two") == Plan("a", "fake", params())


def test_a_closed_device_loses_its_songs_and_keeps_those_that_wait() -> None:
    desk = opened(running=1)
    desk.add("a")
    desk.add("b")
    desk.turns(3)
    assert desk.scheduler.close("cpu") == ("a",)
    assert desk.turn() is None
    desk.scheduler.open("cpu", ["fake"])
    assert desk.turn() == Plan("b", "fake", params())
