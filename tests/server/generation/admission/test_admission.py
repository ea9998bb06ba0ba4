import pytest

from server.errors import Draining
from server.generation.admission.admission import Admission


def test_the_bounds_are_those_of_its_settings_with_the_end_of_the_queue_kept() -> None:
    admission = Admission(running=lambda: 2, queued=17)
    admission.enter()
    room = admission.room
    assert (room.slots, room.queued, room.kept, room.free) == (2, 17, 2, 1)


def test_nobody_is_let_in_after_drain() -> None:
    admission = Admission(running=lambda: 1, queued=1)
    admission.require_open()
    admission.drain()
    with pytest.raises(Draining):
        admission.require_open()


def test_a_retry_is_advised_when_the_next_song_should_have_ended() -> None:
    admission = Admission(running=lambda: 2, queued=0)
    admission.measured_song(6.0)
    refusal = admission.overloaded(2)
    assert "2 songs" in str(refusal)
    assert refusal.retry_after_seconds == 3.0


def test_a_server_is_crowded_from_its_mark_until_well_below_it() -> None:
    admission = Admission(running=lambda: 2, queued=8, high_watermark=0.5)
    for _ in range(5):
        admission.enter()
    assert not admission.saturated
    admission.enter()
    seen = [admission.saturated]
    for _ in range(3):
        admission.leave()
        seen.append(admission.saturated)
    assert seen == [True, True, False, False]


def test_a_server_without_a_queue_is_never_crowded() -> None:
    admission = Admission(running=lambda: 1, queued=0, high_watermark=0.9)
    admission.enter()
    assert not admission.saturated
