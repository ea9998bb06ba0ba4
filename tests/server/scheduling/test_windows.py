"""Tests of the number of windows of sound that one command renders."""

from dataclasses import replace

import pytest

from server.scheduling.capacity.window_pace import WINDOWS, WindowPace
from server.scheduling.retry import RetryDecision
from server.workers.messages import Command, Lane, Render, Rendered
from tests.server.scheduling.desk import Desk, opened, section


def pace(seconds: float, sound_seconds: float) -> WindowPace:
    made = WindowPace()
    made.add(2, 2 * seconds, 2 * sound_seconds)
    return made


def test_several_short_windows_are_made_together_and_long_ones_alone() -> None:
    assert WindowPace().windows == 1
    short = [(0.0, 1.0, 4), (0.001, 1.0, 4), (0.004, 1.0, 2), (0.001, 2.0, 2)]
    cases = [*short, (0.006, 1.0, 1), (0.5, 1.0, 1), (0.001, 9.0, 1)]
    assert [pace(seconds, sound).windows for seconds, sound, _ in cases] == [windows for *_, windows in cases]


def test_the_pace_follows_what_was_made_last() -> None:
    made = pace(0.001, 1.0)
    for _ in range(20):
        made.add(1, 0.1, 1.0)
    assert made.windows == 1
    assert made.seconds == pytest.approx(0.1, rel=0.02)


def answer(desk: Desk, command: Command, seconds: float) -> None:
    """Report to the scheduler that all windows of a command, of a second each, were rendered in `seconds` of device
    time.
    """
    assert isinstance(command, Render)
    reply = desk.reply(replace(command, windows=1))
    assert isinstance(reply, Rendered)
    samples = reply.samples * command.windows
    desk.scheduler.done("cpu", replace(reply, seconds=seconds, samples=samples, windows=command.windows), Lane.BOTH)


def windows_asked(desk: Desk, count: int, seconds: float) -> list[int]:
    asked: list[int] = []
    while len(asked) < count:
        command = desk.scheduler.next_command("cpu", Lane.BOTH)
        if isinstance(command, Render):
            asked.append(command.windows)
            desk.windows[command.section] = 0
            answer(desk, command, seconds)
        else:
            assert command is not None
            desk.finish(command)
    return asked


def test_the_first_window_of_a_song_comes_alone_and_later_ones_in_groups_from_the_sections_beginning() -> None:
    desk = opened()
    desk.add("a")
    assert windows_asked(desk, 4, seconds=0.001) == [1, WINDOWS - 1, WINDOWS, WINDOWS]


def test_a_device_whose_windows_take_long_makes_each_alone() -> None:
    desk = opened()
    desk.add("a")
    assert windows_asked(desk, 4, seconds=0.1) == [1, 1, 1, 1]


def test_a_song_that_ended_a_worker_makes_each_window_alone_and_ends_no_more_than_two() -> None:
    desk = opened()
    desk.add("a")
    windows_asked(desk, 2, seconds=0.001)
    assert desk.scheduler.next_command("cpu", Lane.BOTH) == Render(section("a"), WINDOWS)
    assert [lost.decision for lost in desk.scheduler.close("cpu")] == [RetryDecision.RETRY]
    desk.scheduler.open("cpu", ["fake"])
    assert windows_asked(desk, 6, seconds=0.001) == [1] * 6
    command = desk.scheduler.next_command("cpu", Lane.BOTH)
    assert command == Render(section("a", 0, 1))
    assert [lost.decision for lost in desk.scheduler.close("cpu")] == [RetryDecision.POISONED]
