import pytest

from server.errors import Draining, Overloaded
from server.generation.admission.admission import Admission


def test_as_many_songs_are_let_in_as_may_run_and_wait() -> None:
    admission = Admission(running=2, queued=1)
    for _ in range(3):
        admission.admit()
    with pytest.raises(Overloaded, match="3 songs"):
        admission.admit()


def test_the_end_of_the_queue_is_kept_for_callers_without_songs() -> None:
    admission = Admission(running=2, queued=8)
    permits = [admission.admit("greedy") for _ in range(9)]
    with pytest.raises(Overloaded):
        admission.admit("greedy")
    admission.admit("other")
    with pytest.raises(Overloaded):
        admission.admit("third")
    for permit in permits:
        with permit:
            pass
    admission.admit("greedy")


def test_a_permit_is_given_back_once_however_often_it_is_left() -> None:
    admission = Admission(running=1, queued=1)
    admission.admit()
    permit = admission.admit()
    for _ in range(2):
        with permit:
            pass
    assert admission.songs == 1


def test_nobody_is_let_in_after_drain() -> None:
    admission = Admission(running=1, queued=1)
    admission.drain()
    with pytest.raises(Draining):
        admission.admit()


def test_a_retry_is_advised_when_the_next_song_should_have_ended() -> None:
    admission = Admission(running=2, queued=0)
    admission.measured_song(6.0)
    admission.admit()
    admission.admit()
    with pytest.raises(Overloaded) as refusal:
        admission.admit()
    assert refusal.value.retry_after_seconds == 3.0


def test_a_server_is_crowded_from_its_mark_until_well_below_it() -> None:
    admission = Admission(running=2, queued=8, mark=0.5)
    permits = [admission.admit(str(number)) for number in range(5)]
    assert not admission.crowded
    seen = []
    permits.append(admission.admit())
    seen.append(admission.crowded)
    for _ in range(3):
        with permits.pop():
            pass
        seen.append(admission.crowded)
    assert seen == [True, True, False, False]


def test_a_server_without_a_queue_is_never_crowded() -> None:
    admission = Admission(running=1, queued=0, mark=0.9)
    admission.admit()
    assert not admission.crowded
