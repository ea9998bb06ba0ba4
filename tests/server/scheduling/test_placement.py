from dataclasses import replace

from server.workers.messages import Plan, Prepare, Release, SongKey, Step
from tests.server.scheduling.desk import POLICY, Desk, device, opened, plan, section
from tests.support.fakes import FakeOutlet, params


def test_songs_beyond_the_limit_wait_until_one_is_done() -> None:
    desk = opened(running_songs=1)
    desk.add("a")
    desk.add("b")
    assert desk.scheduler.waiting("fake") == ("b",)
    assert [desk.scheduler.device_of(song_id) for song_id in ("a", "b", "nobody")] == ["cpu", None, None]
    assert plan("b") not in desk.turns(13)
    assert desk.turns(2) == [Release(SongKey("a")), plan("b")]


def test_a_song_whose_listeners_had_it_from_another_server_gets_the_next_place() -> None:
    desk = opened(running_songs=1)
    for song_id in "ab":
        desk.add(song_id)
    desk.add("taken over", repeats=True)
    assert desk.scheduler.waiting("fake") == ("taken over", "b")


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


def add_listeners(desk: Desk, count: int, pace: float, *, sound_seconds: float = 60.0) -> list[str]:
    """Add songs with listeners, each of which needs `pace` device seconds for a second of sound; return their ids."""
    names = [f"song-{number}" for number in range(count)]
    for name in names:
        desk.add(name, work_seconds=pace * sound_seconds, sound_seconds=sound_seconds, first_seconds=0.5)
    return names


def test_a_song_waits_while_somebody_would_run_dry_by_it() -> None:
    desk = opened(running_songs=32)
    names = add_listeners(desk, 6, pace=0.2)
    assert desk.scheduler.waiting("fake") == tuple(names[4:])


def test_a_song_gets_its_place_as_soon_as_another_has_left() -> None:
    desk = opened(running_songs=32)
    *_, waiting = add_listeners(desk, 5, pace=0.2)
    desk.scheduler.drop("song-0")
    desk.turn()
    assert desk.scheduler.device_of(waiting) == "cpu"


def test_sound_in_hand_makes_room_for_another() -> None:
    desk = opened(running_songs=32)
    *_, waiting = add_listeners(desk, 5, pace=0.2)
    until_heard(desk, 4)
    for sink in desk.outlets.values():
        sink.unsent_seconds = 55.0
    desk.clock.now += 1.0
    desk.turn()
    assert desk.scheduler.device_of(waiting) == "cpu"


def until_heard(desk: Desk, songs: int) -> None:
    while len(desk.windows) < songs:
        desk.turn()


def test_a_song_alone_on_its_device_never_waits_whatever_it_needs() -> None:
    desk = opened(running_songs=32)
    add_listeners(desk, 1, pace=5.0)
    assert desk.scheduler.waiting("fake") == ()


def test_places_alone_count_while_nobody_knows_what_songs_need() -> None:
    desk = opened(running_songs=3)
    for name in "abcd":
        desk.add(name, work_seconds=1000.0)
    assert desk.scheduler.waiting("fake") == ("d",)


def test_places_alone_count_where_the_policy_says_so() -> None:
    desk = opened(running_songs=32, policy=replace(POLICY, stall_free=False))
    add_listeners(desk, 6, pace=0.2)
    assert desk.scheduler.waiting("fake") == ()


def test_a_song_that_lost_its_worker_goes_on_at_once() -> None:
    desk = opened(running_songs=32)
    add_listeners(desk, 4, pace=0.2)
    desk.scheduler.close("cpu")
    desk.scheduler.open("cpu", ["fake"])
    desk.turn()
    assert desk.scheduler.waiting("fake") == ()


def test_a_listener_gets_a_place_before_songs_that_are_made_for_later() -> None:
    desk = opened(running_songs=1)
    for name in ("later", "even later"):
        desk.add(name, has_listener=False)
    desk.add("heard", work_seconds=1.0, sound_seconds=60.0)
    assert desk.scheduler.waiting("fake") == ("even later",)


def test_a_song_that_is_made_for_later_waits_for_those_with_listeners_but_gets_its_tenth() -> None:
    desk = opened(running_songs=32)
    desk.add("later", has_listener=False)
    add_listeners(desk, 3, pace=0.2)
    served = [song_of(command) for command in desk.turns(30)]
    assert 2 <= served.count("later") <= 5
    assert served[:3].count("later") == 0


def test_a_waiting_song_that_somebody_comes_to_hear_goes_before_those_made_for_later() -> None:
    desk = opened(running_songs=1)
    for name in ("first", "later", "heard"):
        desk.add(name, has_listener=False)
    desk.outlets["heard"].has_listener = True
    desk.clock.now += 2.0
    desk.turn()
    assert desk.scheduler.waiting("fake") == ("later",)


def test_songs_that_are_made_for_later_share_what_is_left() -> None:
    desk = opened(running_songs=2)
    for name in ("later", "too", "even later"):
        desk.add(name, has_listener=False)
    assert desk.scheduler.waiting("fake") == ("even later",)
    assert {song_of(command) for command in desk.turns(6)} == {"later", "too"}


def song_of(command: object) -> str:
    match command:
        case Step(sections):
            return sections[0].song.song_id
        case Plan(song):
            return song.song_id
        case _:
            return str(command.section.song.song_id)  # type: ignore[attr-defined]


def test_a_song_waits_where_the_device_gives_less_of_its_time_than_its_songs_need() -> None:
    desk = opened(running_songs=32)
    share = desk.scheduler._placement.device("cpu").worked
    share.has_work(0.0)
    for seconds in range(1, 101):
        share.add(float(seconds), 0.5)
    names = add_listeners(desk, 4, pace=0.2)
    assert desk.scheduler.waiting("fake") == tuple(names[2:])


def test_songs_wait_where_encoders_cannot_take_more() -> None:
    desk = opened(running_songs=32, encoders=1)
    desk.scheduler.encoded(0.3, 1.0)
    for name in "abcd":
        desk.add(name, has_listener=False)
    assert desk.scheduler.waiting("fake") == ("d",)


def test_songs_of_unknown_cost_count_as_much_as_those_beside_them_have_taken() -> None:
    desk = opened(running_songs=32)
    for number in range(3):
        desk.scheduler.add(f"song-{number}", "fake", params(), FakeOutlet())
    until_heard(desk, 6)
    for number in range(3):
        song = desk.scheduler._placement.song(f"song-{number}")
        assert song is not None
        song.playback.sound_seconds, song.section_seconds, song.account.usage.other_seconds = 10.0, [60.0], 4.0
    desk.scheduler.add("late", "fake", replace(params(), duration_seconds=60.0), FakeOutlet())
    assert desk.scheduler.waiting("fake") == ("late",)


def test_a_song_with_a_deadline_is_made_faster_than_it_is_played_and_leaves_less_room() -> None:
    desk = opened(running_songs=32)
    desk.add("soon", work_seconds=12.0, sound_seconds=60.0, deadline=20.0)
    names = add_listeners(desk, 4, pace=0.2)
    assert desk.scheduler.waiting("fake") == tuple(names[1:])


def test_a_song_goes_first_once_the_rest_of_it_has_to_be_begun_to_be_complete_in_time() -> None:
    desk = opened(running_songs=32, batch_sections=1)
    desk.add("played", work_seconds=6.0, sound_seconds=60.0)
    desk.add("soon", work_seconds=6.0, sound_seconds=60.0, deadline=50.0)
    until_heard(desk, 2)
    for sink in desk.outlets.values():
        sink.unsent_seconds = 40.0
    desk.outlets["played"].unsent_seconds = 30.0
    assert song_of(desk.turn()) == "played"
    desk.clock.now += 30.0
    assert song_of(desk.turn()) == "soon"


def test_a_listener_with_less_sound_in_hand_than_the_margin_keeps_nobody_waiting() -> None:
    desk = opened(running_songs=32, policy=replace(POLICY, margin_seconds=1.5))
    add_listeners(desk, 1, pace=0.1)
    until_heard(desk, 1)
    desk.outlets["song-0"].unsent_seconds = 1.0
    desk.add("late", work_seconds=6.0, sound_seconds=60.0, first_seconds=0.5)
    assert desk.scheduler.waiting("fake") == ()
