"""Tests of the order in which an encoder processes its messages."""

import threading

import numpy as np
import pytest

from model.song import SectionScore
from server.encoders.messages import CloseSong, EncoderPing
from server.encoders.song_inbox import EncodeWindow, EndSection
from server.encoders.song_queues import QueuesStopped, SongQueues
from server.song import AudioSettings, Origin
from server.workers.messages import SectionKey, SongKey
from server.workers.sound.messages import OpenSong, Sound
from tests.support.fakes import RATE_HERTZ, FakeEngine, params

SCORE = SectionScore()


def opened(song_id: str = "a", attempt: int = 0) -> OpenSong:
    plan = FakeEngine().plan(params())
    return OpenSong(SongKey(song_id, attempt), AudioSettings(), "", "", plan, RATE_HERTZ, Origin("0f"))


def sound(level: float, song_id: str = "a", attempt: int = 0, index: int = 0, samples: int = 10) -> Sound:
    window = np.full((2, samples), level, np.float32)
    return Sound(SectionKey(SongKey(song_id, attempt), index), window.tobytes(), samples, score=SCORE)


def end(attempt: int = 0, index: int = 0, song_id: str = "a") -> Sound:
    return Sound(SectionKey(SongKey(song_id, attempt), index), b"", 0, last=True, ends_song=index == 1)


def queues_of(*messages: OpenSong | Sound, **limits: int) -> SongQueues:
    queues = SongQueues(**limits)
    for message in messages:
        queues.put(message)
    return queues


def taken(queues: SongQueues, count: int) -> list[object]:
    """Take `count` work items from the queue, and return each in short form: for the start of a song its id, for a
    window of sound the id and the value of the first sample, for the end of a section the id and the section's number.
    """
    return [_short(queues.take()) for _ in range(count)]


def _short(work: object) -> object:
    match work:
        case (str() as song_id, EncodeWindow(window)):
            return song_id, float(window[0, 0])
        case (str() as song_id, EndSection(index)):
            return song_id, "end", index
        case (str() as song_id, OpenSong()):
            return song_id
        case _:
            return work


def nothing_waits(queues: SongQueues) -> bool:
    """Return True if the queue is empty, tested by adding an item: it is the next one that comes out."""
    queues.put(opened("marker"))
    return queues.take()[0] == "marker"  # type: ignore[index]


def test_songs_take_turns_piece_by_piece() -> None:
    long = [sound(level) for level in (1.0, 2.0, 3.0)]
    queues = queues_of(opened(), *long, opened("b"), sound(7.0, "b"))
    assert taken(queues, 6) == ["a", "b", ("a", 1.0), ("b", 7.0), ("a", 2.0), ("a", 3.0)]


def test_a_window_is_cut_into_pieces_of_half_a_second_at_most() -> None:
    queues = queues_of(opened(), sound(1.0, samples=RATE_HERTZ))
    queues.take()
    pieces = [queues.take() for _ in range(2)]
    assert [piece[1].seconds for piece in pieces] == [0.5, 0.5]  # type: ignore[index, union-attr]


def test_a_section_ends_with_the_score_that_came_with_its_first_window() -> None:
    queues = queues_of(opened(), sound(1.0), end(), sound(2.0, index=1), end(index=1))
    work = [queues.take() for _ in range(5)]
    assert (work[2], work[4]) == (("a", EndSection(0, SCORE, last=False)), ("a", EndSection(1, SCORE, last=True)))


def test_what_an_attempt_repeats_is_left_out() -> None:
    again = [sound(level, attempt=1) for level in (1.0, 2.0, 3.0)]
    queues = queues_of(opened(), sound(1.0), sound(2.0), opened(attempt=1), *again, end(1))
    assert taken(queues, 5) == ["a", ("a", 1.0), ("a", 2.0), ("a", 3.0), ("a", "end", 0)]
    queues.put(opened(attempt=2))
    queues.put(end(2))
    assert nothing_waits(queues)


def test_a_new_attempt_waits_for_the_rest_of_the_section_before_which_comes_on_another_way() -> None:
    queues = queues_of(opened(), sound(1.0), opened(attempt=1), sound(3.0, attempt=1, index=1), end(1, 1))
    assert taken(queues, 2) == ["a", ("a", 1.0)]
    assert nothing_waits(queues)
    queues.put(sound(2.0))
    queues.put(end())
    assert taken(queues, 4) == [("a", 2.0), ("a", "end", 0), ("a", 3.0), ("a", "end", 1)]


def test_sound_of_an_attempt_that_was_not_opened_here_is_dropped() -> None:
    assert nothing_waits(queues_of(sound(1.0)))
    queues = queues_of(opened(attempt=1), sound(1.0, attempt=0), sound(2.0, attempt=1))
    assert taken(queues, 2) == ["a", ("a", 2.0)]


def test_a_closed_song_is_dropped_with_all_that_still_comes_of_it() -> None:
    queues = queues_of(opened(), sound(1.0))
    queues.order(CloseSong("a"))
    queues.put(sound(2.0))
    queues.put(opened(attempt=1))
    assert queues.take() == CloseSong("a")
    assert nothing_waits(queues)


def test_orders_go_before_sound() -> None:
    queues = queues_of(opened())
    queues.order(EncoderPing())
    assert taken(queues, 2) == [EncoderPing(), "a"]


def test_the_way_in_is_closed_while_too_much_of_a_song_waits() -> None:
    queues = queues_of(opened(), sound(1.0), max_waiting_bytes=80)
    entered = threading.Event()

    def put_more() -> None:
        queues.put(sound(2.0))
        entered.set()

    thread = threading.Thread(target=put_more)
    thread.start()
    queues.put(opened("b"))  # others are not held up
    assert taken(queues, 1) == ["a"]
    assert not entered.is_set()
    assert taken(queues, 2) == ["b", ("a", 1.0)]
    assert entered.wait(10.0)
    assert taken(queues, 1) == [("a", 2.0)]
    thread.join()


def test_nobody_waits_any_more_once_the_queues_are_stopped() -> None:
    queues = queues_of(opened(), sound(1.0), max_waiting_bytes=80)
    thread = threading.Thread(target=queues.put, args=(sound(2.0),))
    thread.start()
    queues.stop()
    thread.join()
    with pytest.raises(QueuesStopped):
        queues.take()
