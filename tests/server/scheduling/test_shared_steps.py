import pytest

from server.workers.messages import Prepare, Render, Step, Stepped
from tests.server.scheduling.desk import COST, MEMORY_BYTES, Desk, opened, plan, section


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


@pytest.mark.parametrize("repeats", [True, False])
def test_a_song_is_not_ahead_by_sound_that_its_listener_had_from_another_server(repeats: bool) -> None:
    desk = opened(batch_sections=1)
    desk.add("a", repeats=repeats)
    desk.turns(8)
    desk.add("b")
    made_for = [command.sections[0].song.song_id for command in desk.turns(6) if isinstance(command, Step)]
    assert made_for[0] == ("a" if repeats else "b")


def test_sections_of_two_engines_never_share_a_step() -> None:
    desk = Desk()
    desk.scheduler.open("cpu", ["fake", "other"])
    desk.add("a")
    desk.add("b", engine="other")
    steps = [command for command in desk.turns(20) if isinstance(command, Step)]
    assert all(len(step.sections) == 1 for step in steps)


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


def test_a_listener_who_takes_nothing_does_not_keep_the_memory_from_others() -> None:
    desk = opened(memory_bytes=MEMORY_BYTES)
    sink = desk.add("a")
    desk.turns(5)
    sink.full = True
    desk.add("b")
    desk.turns(13)
    assert desk.windows[section("b", 1)] == 3


def short_steps(desk: Desk, seconds: float) -> None:
    """Train the scheduler's model of step times with steps that take `seconds` for each section."""
    for sections in [*range(1, 9)] * 2:
        desk.scheduler._placement.device("cpu").steps.add(sections * COST, sections * seconds)


def test_short_steps_are_done_by_one_command_to_the_end_of_the_section() -> None:
    desk = opened()
    short_steps(desk, 0.002)
    desk.add("a")
    assert desk.turns(4)[2:] == [Step((section("a"),), 2), Render(section("a"))]


@pytest.mark.parametrize("seconds", [0.011, 0.1])
def test_a_command_with_several_steps_never_takes_longer_than_a_fiftieth_of_a_second(seconds: float) -> None:
    desk = opened()
    short_steps(desk, seconds)
    desk.add("a")
    assert desk.turns(4)[2:] == [Step((section("a"),), 1), Step((section("a"),), 1)]


def test_sections_share_no_more_steps_than_the_most_advanced_of_them_has_left() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(3)
    short_steps(desk, 0.002)
    desk.add("b")
    desk.turns(2)
    assert desk.turn() == Step((section("a"), section("b")), 1)
