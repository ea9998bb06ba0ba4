"""Tests of the time at which a command queue (lane) sends its next command."""

import pytest

from server.generation.devices.pacing import DistantPacing, NearPacing
from server.workers.messages import Done, Ping, Prepare, Prepared, SectionKey, SongKey, Step, Stepped
from tests.support.fakes import ManualClock

SECTION = SectionKey(SongKey("a"), 0)
STEP, PREPARE = Step((SECTION,)), Prepare(SECTION)


def prepared(seconds: float) -> Prepared:
    return Prepared(SECTION, 1, 1, 2, 0, "", seconds)


def test_a_near_worker_gets_one_command_ahead_shortly_before_the_end_of_a_long_step() -> None:
    for seconds in (None, 0.005):
        pacing = NearPacing()
        pacing.sent(STEP, seconds)
        assert pacing.due_in() is None
    pacing = NearPacing()
    pacing.sent(STEP, 0.05)
    assert pacing.due_in() == pytest.approx(0.048)
    pacing.sent(STEP, 0.05)
    assert pacing.due_in() is None
    pacing.replied(Stepped((), (), 0.05))
    assert pacing.due_in() == pytest.approx(0.048)


def test_a_distant_worker_has_work_for_twice_as_long_as_messages_take() -> None:
    clock = ManualClock()
    pacing = DistantPacing(clock)
    for _ in range(100):
        pacing.sent(Ping(), None)
        clock.now += 0.01
        pacing.replied(Done())
    assert pacing.overhead_seconds == pytest.approx(0.01, rel=0.01)
    pacing.sent(STEP, 0.05)
    assert pacing.due_in() == pytest.approx(0.03, rel=0.01)
    clock.now += 0.035
    assert pacing.due_in() == 0.0
    pacing.sent(STEP, 0.05)
    assert pacing.due_in() == pytest.approx(0.045, rel=0.01)
    clock.now += 0.025
    pacing.replied(Stepped((), (), 0.05))
    assert pacing.due_in() == pytest.approx(0.03, rel=0.01)


def test_short_commands_are_sent_ahead_up_to_a_number_once_their_length_is_known() -> None:
    pacing = DistantPacing(ManualClock())
    pacing.sent(PREPARE, None)
    assert pacing.due_in() is None
    pacing.replied(prepared(0.0))
    due = []
    for _ in range(8):
        pacing.sent(PREPARE, None)
        due.append(pacing.due_in())
    assert due == [0.0] * 7 + [None]
