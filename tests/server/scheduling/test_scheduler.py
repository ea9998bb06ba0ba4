from dataclasses import astuple

import pytest

from server.scheduling.device_usage import DeviceUsage
from server.scheduling.policy import Policy
from server.workers.messages import Plan, Prepare, Release, Render, SongKey, Step
from tests.server.scheduling.desk import kinds, opened, plan, section
from tests.support.fakes import FakeOutlet, params


def test_a_song_is_planned_prepared_stepped_and_rendered_section_by_section() -> None:
    desk = opened()
    desk.add("a")
    one_section: list[type] = [Prepare, Step, Step, Render, Render, Render]
    assert kinds(desk.turns(15)) == [Plan, *one_section, *one_section, Release, type(None)]


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


def test_a_song_whose_listener_takes_nothing_gets_no_work() -> None:
    desk = opened()
    sink = desk.add("a")
    desk.turns(3)
    sink.full = True
    assert desk.turn() is None
    desk.add("b")
    assert kinds(desk.turns(3)) == [Plan, Prepare, Step]
    sink.full = False
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
    assert desk.turns(2) == [Release(SongKey("a")), None]


def test_a_reply_about_a_dropped_song_is_ignored() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(2)
    command = desk.scheduler.next_command("cpu")
    assert command is not None
    desk.scheduler.drop("a")
    desk.finish(command)
    assert desk.turns(2) == [Release(SongKey("a")), None]


@pytest.mark.parametrize(("caller", "next_song"), [("greedy", "other"), ("paying", "more")])
def test_the_caller_who_was_given_more_by_weight_stands_back(caller: str, next_song: str) -> None:
    desk = opened(policy=Policy(margin_seconds=0.0, share_lead_seconds=0.5))
    desk.add("first", caller=caller)
    held_back = [desk.add("more", caller=caller), desk.add("other", caller="b")]
    for sink in held_back:
        sink.full = True
    desk.turns(7)
    for sink in held_back:
        sink.full = False
    assert desk.turn() == plan(next_song)


def test_what_a_song_takes_of_a_device_is_written_down() -> None:
    desk, usages = opened(), [DeviceUsage(), DeviceUsage()]
    for song_id, usage in zip("ab", usages, strict=True):
        desk.scheduler.add(song_id, "fake", params(), FakeOutlet(), usage=usage)
    desk.turns(7)
    assert astuple(usages[0]) == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert astuple(usages[1]) == pytest.approx((0.1, 0.2, 0.2, None))
