from dataclasses import dataclass

from server.scheduling.fair_share import Shares, WaitingRoom


@dataclass(frozen=True)
class Song:
    song_id: str
    caller: str = ""
    arrived_at: float = 0.0
    engine: str = "fake"
    resumed: bool = False


def shares(*callers: str, **weights: float) -> Shares:
    made = Shares(weights)
    for caller in callers:
        made.enter(caller)
    return made


def test_a_caller_leads_by_the_device_time_it_was_given_more() -> None:
    made = shares("a", "b")
    made.charge("a", 3.0)
    made.charge("b", 1.0)
    assert made.leads() == {"a": 2.0, "b": 0.0}


def test_device_time_counts_by_weight() -> None:
    made = shares("a", "b", a=2.0)
    made.charge("a", 3.0)
    made.charge("b", 1.0)
    assert made.leads() == {"a": 0.5, "b": 0.0}


def test_a_newcomer_starts_level_with_the_least_served() -> None:
    made = shares("a", "b")
    made.charge("a", 5.0)
    made.charge("b", 9.0)
    made.enter("c")
    assert made.leads() == {"a": 0.0, "b": 4.0, "c": 0.0}


def test_a_caller_without_songs_is_forgotten_and_owes_nothing() -> None:
    made = shares("a", "a", "b")
    made.charge("a", 5.0)
    made.leave("a")
    assert made.leads()["a"] == 5.0
    made.leave("a")
    made.charge("a", 1.0)
    made.enter("a")
    assert made.leads() == {"b": 0.0, "a": 0.0}


def test_the_least_served_callers_earliest_song_comes_first() -> None:
    made = shares("a", "b")
    room: WaitingRoom[Song] = WaitingRoom(made)
    for song in [Song("a1", "a", 1.0), Song("a2", "a", 2.0), Song("b1", "b", 3.0), Song("b2", "b", 4.0)]:
        room.add(song)
    order = []
    while (song_ := room.first(["fake"])) is not None:
        room.remove(song_)
        made.reserve(song_.caller, 1.0)
        order.append(song_.song_id)
    assert order == ["a1", "b1", "a2", "b2"]


def test_by_arrival_callers_do_not_matter() -> None:
    room: WaitingRoom[Song] = WaitingRoom(shares("a", "b"), by_arrival=True)
    for song in [Song("a1", "a", 1.0), Song("a2", "a", 2.0), Song("b1", "b", 3.0)]:
        room.add(song)
    assert [song.song_id for song in room] == ["a1", "a2", "b1"]
    first = room.first(["fake"])
    assert first is not None
    room.remove(first)
    assert room.first(["fake"]) == Song("a2", "a", 2.0)


def test_a_song_that_lost_its_place_gets_the_next_one() -> None:
    room: WaitingRoom[Song] = WaitingRoom(shares("a", "b"))
    room.add(Song("new", "a", 1.0))
    room.add(Song("old", "b", 2.0, resumed=True))
    assert room.first(["fake"]) == Song("old", "b", 2.0, resumed=True)


def test_only_songs_of_the_engines_at_hand_are_given_out() -> None:
    room: WaitingRoom[Song] = WaitingRoom(shares("a"))
    room.add(Song("x", "a", engine="other"))
    assert room.first(["fake"]) is None
    assert room.first(["fake", "other"]) is not None


def test_a_removed_song_is_gone_and_removing_it_again_does_nothing() -> None:
    room: WaitingRoom[Song] = WaitingRoom(shares("a"))
    song = Song("x", "a")
    room.add(song)
    assert [room.remove(song), room.remove(song), len(room), room.first(["fake"])] == [True, False, 0, None]
