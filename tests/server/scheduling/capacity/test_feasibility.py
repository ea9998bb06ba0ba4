"""Tests of the forecast that says whether a device can serve a set of listeners without gaps in their sound, against a
simulation in small time steps.
"""

import random

from server.scheduling.capacity.feasibility import Demand, stall_free
from tests.support.table import table

STEP_SECONDS = 0.01


def runs_dry(demands: list[Demand], share: float) -> bool:
    """Return True if a listener's buffer runs empty in a simulation in small steps, in which the songs get `share` of
    the device's time. An almost empty buffer is served first, then songs without a first sound, one after the other,
    then the emptiest buffer.
    """
    buffers = [demand.buffered_seconds for demand in demands]
    left = [demand.sound_seconds for demand in demands]
    first = [demand.first_seconds for demand in demands]
    heard = [demand.first_seconds is None for demand in demands]
    for _ in range(40_000):
        if not any(left):
            return False
        time = STEP_SECONDS * share
        while time > 1e-12:
            urgent = [i for i in range(len(demands)) if heard[i] and left[i] and buffers[i] <= STEP_SECONDS]
            starting = [i for i in range(len(demands)) if not heard[i]]
            ahead = sorted((i for i in range(len(demands)) if heard[i] and left[i]), key=lambda i: buffers[i])
            if not (urgent or starting or ahead):
                break
            chosen = urgent[0] if urgent else starting[0] if starting else ahead[0]
            if heard[chosen]:
                made = min(left[chosen], STEP_SECONDS, time / demands[chosen].pace)
                left[chosen] = max(0.0, left[chosen] - made) if left[chosen] - made > 1e-9 else 0.0
                buffers[chosen] += made
                time -= made * demands[chosen].pace
            else:
                work = first[chosen] or 0.0
                done = min(work, time)
                first[chosen], time = work - done, time - done
                heard[chosen] = work - done <= 1e-12
        buffers = [b - STEP_SECONDS if is_heard else b for b, is_heard in zip(buffers, heard, strict=True)]
        if any(b < -2.5 * STEP_SECONDS and s for b, s, h in zip(buffers, left, heard, strict=True) if h):
            return True
    return False


def listener(buffered: float = 5.0, sound: float = 60.0, pace: float = 0.1, first: float | None = None) -> Demand:
    return Demand(buffered, sound, pace, first)


def test_a_device_keeps_as_many_as_it_can_feed() -> None:
    assert stall_free([listener()] * 10)
    assert stall_free([listener(buffered=0.0)] * 10)
    assert not stall_free([listener(buffered=0.0)] * 11)


def test_sound_in_hand_makes_room() -> None:
    assert not stall_free([listener(sound=30.0, pace=0.2, buffered=1.0)] * 6)
    assert stall_free([listener(sound=30.0, pace=0.2, buffered=6.0)] * 6)


def test_a_new_listener_waits_for_the_first_sound_but_not_for_room() -> None:
    others = [listener(buffered=3.0)] * 9
    assert stall_free([*others, listener(0.0, first=0.3)])
    assert not stall_free([*others, listener(buffered=3.0), listener(0.0, first=3.3)])


def test_a_song_that_could_only_start_late_waits_in_the_queue() -> None:
    assert not stall_free([*[listener(buffered=0.0)] * 10, listener(0.0, first=0.3)])


def test_new_listeners_start_one_after_the_other() -> None:
    assert stall_free([listener(0.0, pace=0.2, first=1.0) for _ in range(3)])
    assert not stall_free([listener(0.0, pace=0.35, first=1.0) for _ in range(3)])


def test_a_share_of_the_device_keeps_that_share_of_the_listeners() -> None:
    assert stall_free([listener(0.0)] * 9, share=0.9)
    assert not stall_free([listener(0.0)] * 10, share=0.9)


def test_one_who_has_run_dry_already_is_in_the_way() -> None:
    assert not stall_free([listener(buffered=-1.0), listener()])


def test_nobody_is_kept_without_work() -> None:
    assert stall_free([])
    assert stall_free([listener(sound=0.0)])


@table("seed", range(12))
def test_it_agrees_with_a_simulation_in_small_steps(seed: int) -> None:
    rng = random.Random(seed)
    load = rng.choice((0.8, 0.95, 1.05, 1.3))
    count = rng.randint(2, 5)
    demands = [
        Demand(rng.uniform(0.5, 5.0), rng.uniform(3.0, 12.0), load / count * rng.uniform(0.7, 1.3))
        for _ in range(count)
    ]
    strict, loose = stall_free(demands, 0.97), stall_free(demands, 1.03)
    assert not (strict and runs_dry(demands, 1.0))
    assert loose or runs_dry(demands, 1.0)


def test_work_that_is_played_before_its_deadline_is_due_as_it_is_played() -> None:
    assert listener(sound=30.0, buffered=5.0).by(36.0) == listener(sound=30.0, buffered=5.0)


def test_a_deadline_before_the_end_of_playback_makes_the_work_due_faster() -> None:
    assert listener(sound=30.0, pace=0.1, buffered=5.0).by(15.0) == listener(sound=10.0, pace=0.3, buffered=5.0)
    assert listener(sound=30.0, pace=0.1, buffered=20.0).by(15.0) == listener(sound=15.0, pace=0.2, buffered=0.0)


def test_a_deadline_leaves_the_time_of_the_first_sound_out() -> None:
    assert listener(sound=30.0, pace=0.1, first=5.0, buffered=0.0).by(20.0).sound_seconds == 15.0


def test_what_is_due_now_fits_nowhere() -> None:
    assert not stall_free([listener(sound=30.0, buffered=5.0).by(0.0)])


def test_a_song_whose_first_sound_is_nearly_made_takes_nothing_from_one_before_it() -> None:
    assert stall_free([listener(0.0, pace=0.005, first=0.5), listener(0.0, pace=0.005, first=0.1)])
