"""Tests of several commands in flight on one lane (command queue), as to a worker on another computer."""

import itertools
from collections import deque
from collections.abc import Sequence

import pytest

from server.workers.messages import Command, Lane, Plan, Prepare, Render, SongKey, Step
from tests.server.scheduling.desk import BOTH_LANES, MEMORY_BYTES, Desk, kinds, opened, plan, section
from tests.server.scheduling.test_memory import Ledger

AHEAD = 4


def on_way(desk: Desk, lane: Lane, count: int = AHEAD) -> list[Command]:
    commands = [desk.scheduler.next_command("cpu", lane) for _ in range(count)]
    return [command for command in commands if command is not None]


def finish(desk: Desk, commands: Sequence[Command], lane: Lane) -> None:
    for command in commands:
        desk.finish(command, lane=lane)


def test_each_song_has_one_command_on_its_way_beside_its_steps() -> None:
    desk = opened(lanes=BOTH_LANES)
    for name in ("a", "b", "c"):
        desk.add(name)
    assert on_way(desk, Lane.RENDER) == [plan("a"), plan("b"), plan("c")]
    desk.finish(plan("a"), lane=Lane.RENDER)
    assert on_way(desk, Lane.RENDER) == [Prepare(section("a"))]
    finish(desk, [plan("b"), plan("c"), Prepare(section("a"))], Lane.RENDER)
    first = [Prepare(section("b")), Prepare(section("c")), Prepare(section("a", 1))]
    assert on_way(desk, Lane.RENDER) == first
    assert on_way(desk, Lane.DENOISE) == [Step((section("a"),))] * 2
    finish(desk, first, Lane.RENDER)
    finish(desk, [Step((section("a"),))] * 2, Lane.DENOISE)
    assert on_way(desk, Lane.RENDER, 2) == [Render(section("a")), Prepare(section("b", 1))]


def test_a_single_lane_sends_no_step_before_those_that_could_share_it_are_prepared() -> None:
    desk = opened()
    for name in ("a", "b"):
        desk.add(name)
    desk.turn()
    assert kinds(on_way(desk, Lane.BOTH)) == [Prepare, Plan]
    finish(desk, [Prepare(section("a")), plan("b")], Lane.BOTH)
    assert on_way(desk, Lane.BOTH) == [Prepare(section("b"))]
    desk.finish(Prepare(section("b")))
    assert on_way(desk, Lane.BOTH, 1) == [Step((section("a"), section("b")))]


def work_ahead(desk: Desk, songs: int, lanes: Sequence[Lane], rounds: int) -> None:
    """Make songs with up to AHEAD commands sent to each lane (command queue) before the worker replies; in each round
    every lane completes its oldest command.
    """
    for number in range(songs):
        desk.add(f"s{number}")
    waiting: dict[Lane, deque[Command]] = {lane: deque() for lane in lanes}
    for _ in range(rounds):
        for lane, commands in waiting.items():
            commands.extend(on_way(desk, lane, AHEAD - len(commands)))
            if commands:
                desk.finish(commands.popleft(), lane=lane)
    assert all(desk.windows[section(f"s{number}", 1)] == 3 for number in range(songs))


def test_what_is_being_prepared_counts_for_the_memory_and_all_songs_are_made() -> None:
    desk = Ledger(memory_bytes=3 * MEMORY_BYTES)
    work_ahead(desk, 16, BOTH_LANES, 600)
    assert desk.most == 3 * MEMORY_BYTES


@pytest.mark.parametrize("lanes", [BOTH_LANES, (Lane.BOTH,)])
def test_a_small_section_does_not_let_several_large_ones_exceed_the_memory(lanes: Sequence[Lane]) -> None:
    sizes = itertools.cycle([900, 100, 900, 900, 900])
    desk = Ledger(lambda _: next(sizes), memory_bytes=1000)
    work_ahead(desk, 8, lanes, 400)
    assert desk.most < 1000 + 900


def test_the_memory_of_a_song_that_waits_for_a_reply_is_not_free() -> None:
    desk = Ledger(lambda one: (100, 1000)[one.index], memory_bytes=1000)
    desk.add("a")
    desk.turns(3, lane=Lane.RENDER)
    desk.turns(2, lane=Lane.DENOISE)
    desk.add("b")
    assert [*desk.held] == [section("a", 1)]
    planning = on_way(desk, Lane.RENDER)
    assert kinds(planning) == [Render, Plan]
    finish(desk, planning, Lane.RENDER)
    assert on_way(desk, Lane.RENDER) == [Render(section("a"))]


def test_an_isolated_song_has_the_worker_for_itself() -> None:
    desk = opened(lanes=BOTH_LANES)
    for name in ("a", "b"):
        desk.add(name)
    desk.until(Prepare(section("a")), Lane.RENDER)
    desk.scheduler.close("cpu")
    desk.scheduler.open("cpu", ["fake"])
    commands = on_way(desk, Lane.RENDER)
    assert len({key.song_id for command in commands for key in _songs(command)}) == 1


def _songs(command: Command) -> list[SongKey]:
    assert isinstance(command, Plan)
    return [command.song]
