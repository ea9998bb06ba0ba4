from server.workers.messages import Forget, Prepare, SongKey
from tests.server.scheduling.desk import Desk, device, opened, plan, section


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
