"""Tests of songs that are made again from their beginning, because their encoder was lost."""

from server.scheduling.retry import RetryDecision
from server.scheduling.scheduled_song import PlaybackEstimate
from server.workers.messages import Plan, Release, SongKey
from tests.server.scheduling.desk import opened
from tests.support.fakes import FakeOutlet, params


def whole(attempt: int) -> Plan:
    return Plan(SongKey("a", attempt), "fake", params())


def test_a_song_begins_again_from_its_first_section() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(8)
    assert desk.scheduler.restart_whole("a", 0.0) is RetryDecision.RETRY
    assert desk.turns(2) == [Release(SongKey("a")), whole(1)]
    assert desk.scheduler.is_current(SongKey("a", 1))


def test_a_song_that_was_rendered_begins_again_until_it_is_dropped() -> None:
    desk = opened()
    desk.add("a")
    while desk.turn() is not None:
        pass
    assert desk.scheduler.depths() == {}
    assert desk.scheduler.restart_whole("a", 0.0) is RetryDecision.RETRY
    assert desk.turn() == whole(1)
    while desk.turn() is not None:
        pass
    desk.scheduler.drop("a")
    assert desk.scheduler.restart_whole("a", 0.0) is None


def test_a_resumed_song_that_waits_begins_again_from_its_first_section() -> None:
    desk = opened()
    desk.add("a")
    desk.turns(8)
    desk.scheduler.close("cpu")
    assert desk.scheduler.restart_whole("a", 0.0) is RetryDecision.RETRY
    desk.scheduler.open("cpu", ["fake"])
    assert desk.turn() == whole(2)


def test_a_song_of_which_nothing_was_made_goes_on_waiting() -> None:
    desk = opened()
    desk.scheduler.close("cpu")
    desk.add("a")
    assert desk.scheduler.restart_whole("a", 0.0) is None
    desk.scheduler.open("cpu", ["fake"])
    assert desk.turn() == whole(0)


def test_a_song_that_begins_again_too_often_is_given_up() -> None:
    desk = opened(retries=1)
    desk.add("a")
    desk.turns(3)
    desk.scheduler.close("cpu")  # which counts apart
    desk.scheduler.open("cpu", ["fake"])
    desk.turns(3)
    assert desk.scheduler.restart_whole("a", 0.0) is RetryDecision.RETRY
    desk.turns(3)
    assert desk.scheduler.restart_whole("a", 0.0) is RetryDecision.GIVE_UP
    assert desk.scheduler.depths() == {}


def test_what_is_made_again_does_not_count_as_sound_in_hand() -> None:
    playback = PlaybackEstimate(FakeOutlet())
    playback.advance(0.0, 2.0)
    playback.finish_section()
    playback.advance(0.0, 1.0)
    playback.rewind()
    for section_seconds in (1.0, 2.0):
        playback.advance(0.0, section_seconds)
    assert playback.runs_out_at(0.0) == 3.0


def test_a_song_that_comes_further_each_time_is_not_given_up() -> None:
    desk = opened(retries=1)
    desk.add("a")
    for heard_seconds in (1.0, 2.0, 3.0):
        desk.turns(4)
        assert desk.scheduler.restart_whole("a", heard_seconds) is RetryDecision.RETRY
    desk.turns(4)
    assert desk.scheduler.restart_whole("a", 3.0) is RetryDecision.GIVE_UP
