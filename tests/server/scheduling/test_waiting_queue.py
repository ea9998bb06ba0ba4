from dataclasses import dataclass

from server.scheduling.fair_share import FairShare
from server.scheduling.waiting_queue import WaitingQueue


@dataclass
class Song:
    song_id: str
    caller: str = ""
    arrived_at: float = 0.0
    engine: str = "fake"
    resumed: bool = False
    has_listener: bool = True


def shares(*callers: str) -> FairShare:
    made = FairShare()
    for caller in callers:
        made.enter(caller)
    return made


def test_the_least_served_callers_earliest_song_comes_first() -> None:
    made = shares("a", "b")
    queue: WaitingQueue[Song] = WaitingQueue(made)
    for song in [Song("a1", "a", 1.0), Song("a2", "a", 2.0), Song("b1", "b", 3.0), Song("b2", "b", 4.0)]:
        queue.add(song)
    order = []
    while (song_ := queue.first(["fake"])) is not None:
        queue.remove(song_)
        made.reserve(song_.caller, 1.0)
        order.append(song_.song_id)
    assert order == ["a1", "b1", "a2", "b2"]


def test_by_arrival_callers_do_not_matter() -> None:
    queue: WaitingQueue[Song] = WaitingQueue(shares("a", "b"), by_arrival=True)
    for song in [Song("a1", "a", 1.0), Song("a2", "a", 2.0), Song("b1", "b", 3.0)]:
        queue.add(song)
    assert [song.song_id for song in queue] == ["a1", "a2", "b1"]
    first = queue.first(["fake"])
    assert first is not None
    queue.remove(first)
    assert queue.first(["fake"]) == Song("a2", "a", 2.0)


def test_a_song_that_lost_its_place_gets_the_next_one() -> None:
    queue: WaitingQueue[Song] = WaitingQueue(shares("a", "b"))
    queue.add(Song("new", "a", 1.0))
    queue.add(Song("old", "b", 2.0, resumed=True))
    assert queue.first(["fake"]) == Song("old", "b", 2.0, resumed=True)


def test_only_songs_of_the_engines_at_hand_are_given_out() -> None:
    queue: WaitingQueue[Song] = WaitingQueue(shares("a"))
    queue.add(Song("x", "a", engine="other"))
    assert queue.first(["fake"]) is None
    assert queue.first(["fake", "other"]) is not None


def test_a_removed_song_is_gone_and_removing_it_again_does_nothing() -> None:
    queue: WaitingQueue[Song] = WaitingQueue(shares("a"))
    song = Song("x", "a")
    queue.add(song)
    assert [queue.remove(song), queue.remove(song), len(queue), queue.first(["fake"])] == [True, False, 0, None]


def test_a_song_that_gains_its_listener_while_it_waits_keeps_its_place_by_arrival() -> None:
    queue: WaitingQueue[Song] = WaitingQueue(shares("a"))
    later, other = Song("later", "a", 1.0, has_listener=False), Song("other", "a", 2.0)
    for song in (later, other):
        queue.add(song)
    assert queue.first(["fake"], has_listener=True) == other
    later.has_listener = True
    queue.sort_listeners()
    assert queue.first(["fake"], has_listener=True) == later
    assert queue.first(["fake"], has_listener=False) is None
    assert queue.remove(later)
    assert queue.remove(other)
    assert len(queue) == 0


def test_the_side_without_listeners_has_its_own_first_song() -> None:
    queue: WaitingQueue[Song] = WaitingQueue(shares("a"))
    queue.add(Song("heard", "a", 1.0))
    assert queue.first(["fake"], has_listener=False) is None
    queue.add(Song("later", "a", 2.0, has_listener=False))
    first = queue.first(["fake"], has_listener=False)
    assert first is not None
    assert first.song_id == "later"
