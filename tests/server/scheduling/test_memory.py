"""Tests of the memory limit of a device: a prepared section counts until its last step."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from server.workers.messages import Command, Lane, Plan, Prepare, Prepared, Reply, SectionKey, Stepped
from tests.server.scheduling.desk import BOTH_LANES, MEMORY_BYTES, Desk, device, opened, section
from tests.support.fakes import FakeOutlet, params


class Ledger(Desk):
    """A desk that records in `held` the bytes of the sections in the memory of its device: those that are prepared and
    not yet completely denoised; `most` is the highest sum so far.
    """

    def __init__(self, size_of: Callable[[SectionKey], int] = lambda _: MEMORY_BYTES, **changes: Any) -> None:
        super().__init__(device("cpu", lanes=BOTH_LANES, **changes))
        self.scheduler.open("cpu", ["fake", "large"])
        self.held: dict[SectionKey, int] = {}
        self.most = 0
        self._size_of = size_of

    def reply(self, command: Command) -> Reply:
        reply = super().reply(command)
        match reply:
            case Prepared(section=one):
                self.held[one] = self._size_of(one)
                self.most = max(self.most, sum(self.held.values()))
                return replace(reply, memory_bytes=self.held[one])
            case Stepped(sections=steps):
                for step in steps:
                    if step.step == step.steps:
                        del self.held[step.section]
        return reply

    def run(self, *lanes: Lane) -> None:
        for _ in range(400):
            for lane in lanes:
                self.turn(lane=lane)


def test_nothing_is_prepared_beyond_the_memory_of_the_device() -> None:
    desk = Ledger(memory_bytes=3 * MEMORY_BYTES)
    for number in range(32):
        desk.add(f"s{number}")
    prepared = [command for command in desk.turns(60, lane=Lane.RENDER) if isinstance(command, Prepare)]
    assert len(prepared) == 3
    desk.run(*BOTH_LANES)
    assert desk.most == 3 * MEMORY_BYTES
    assert all(desk.windows[section(f"s{number}", 1)] == 3 for number in range(32))


def test_one_lane_stays_within_the_memory_of_the_device_too() -> None:
    desk = Ledger(memory_bytes=3 * MEMORY_BYTES)
    for number in range(8):
        desk.add(f"s{number}")
    desk.run(Lane.BOTH)
    assert desk.most == 3 * MEMORY_BYTES
    assert all(desk.windows[section(f"s{number}", 1)] == 3 for number in range(8))


def test_a_section_that_is_larger_than_expected_exceeds_the_limit_by_less_than_itself() -> None:
    sizes = itertools.cycle([100, 100, 900])
    desk = Ledger(lambda _: next(sizes), memory_bytes=1000)
    for number in range(20):
        desk.add(f"s{number}")
    desk.turns(60, lane=Lane.RENDER)
    desk.run(*BOTH_LANES)
    assert 1000 < desk.most < 1000 + 900
    assert all(desk.windows[section(f"s{number}", 1)] == 3 for number in range(20))


def test_a_single_song_always_goes_on() -> None:
    desk = Ledger(lambda _: 5000, memory_bytes=MEMORY_BYTES)
    for song_id in "ab":
        desk.add(song_id)
    desk.run(*BOTH_LANES)
    assert desk.most == 5000
    assert [desk.windows[section(song_id, 1)] for song_id in "ab"] == [3, 3]


def test_what_needs_more_memory_is_not_overtaken_by_what_needs_less() -> None:
    desk = Ledger(lambda one: 900 if one.song.song_id == "x" else 100, memory_bytes=1000)
    desk.scheduler.add("x", "large", params(), FakeOutlet())
    desk.turns(3, lane=Lane.RENDER)
    desk.scheduler.drop("x")
    desk.turn(lane=Lane.RENDER)
    desk.held.clear()
    for song_id in "abc":
        desk.add(song_id)
    desk.turns(6, lane=Lane.RENDER)
    desk.scheduler.add("x2", "large", params(), FakeOutlet())
    desk.add("d")
    left = [command for command in desk.turns(6, lane=Lane.RENDER) if command is not None]
    assert [type(command) for command in left] == [Plan, Plan]


def test_the_memory_of_a_section_is_free_after_its_last_step_although_nobody_hears_it_yet() -> None:
    desk = opened(memory_bytes=MEMORY_BYTES, lanes=BOTH_LANES)
    sink = desk.add("a")
    desk.turns(2, lane=Lane.RENDER)
    desk.turns(2, lane=Lane.DENOISE)
    sink.full = True
    desk.add("b")
    assert desk.turns(2, lane=Lane.RENDER)[-1] == Prepare(section("b"))


def test_without_a_limit_everything_is_prepared() -> None:
    desk = Ledger()
    for number in range(8):
        desk.add(f"s{number}")
    desk.turns(30, lane=Lane.RENDER)
    assert len(desk.held) == 16
