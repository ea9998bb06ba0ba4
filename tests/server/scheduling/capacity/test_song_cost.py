import pytest

from server.estimation.forecast import Work
from server.scheduling.capacity.song_cost import SongCost, expected_seconds, used_seconds
from server.scheduling.capacity.step_sharing import StepSharing
from server.scheduling.capacity.step_time import StepModel
from server.scheduling.device_usage import DeviceUsage

UNKNOWN = StepSharing(StepModel())


def free_sharing() -> StepSharing:
    """Return a sharing model in which a step takes the same time for any number of sections, and all songs share it."""
    times = StepModel()
    made = StepSharing(times)
    for count in [1, 8] * 10:
        times.add(10 * count, 0.02)
        made.add(10 * count, sections=count, songs=count)
    return made


def cost(*, used: float = 0.0, made: float = 0.0, total: float = 12.0, first: float = 1.0) -> SongCost:
    return SongCost(total, first, used, made, 60.0)


def test_a_new_song_costs_what_songs_like_it_cost() -> None:
    assert cost().pace(1.0) == pytest.approx(0.2)
    assert cost().pace(1.5) == pytest.approx(0.3)


def test_a_song_that_was_dear_so_far_stays_so() -> None:
    assert cost(used=10.0, made=20.0).pace(1.0) == pytest.approx(0.5)


def test_a_song_that_was_cheap_so_far_has_its_dear_part_before_it() -> None:
    assert cost(used=2.0, made=20.0).pace(1.0) == pytest.approx(0.25)


def test_its_own_cost_counts_only_once_there_is_some_sound() -> None:
    assert cost(used=3.0, made=4.0).pace(1.0) == pytest.approx(0.2)


def test_the_first_sound_costs_more_than_what_follows() -> None:
    assert cost(made=0.0).expected_seconds == 1.0
    assert cost(made=30.0).expected_seconds == pytest.approx(6.5)
    assert cost(made=60.0).expected_seconds == pytest.approx(12.0)


def test_a_song_of_dear_steps_is_cheap_among_others_that_share_them() -> None:
    work = Work(1.0, 9.0, sound_seconds=60.0, step_seconds=8.0)
    assert expected_seconds(work, free_sharing(), 1) == pytest.approx(10.0)
    assert expected_seconds(work, free_sharing(), 8) == pytest.approx(3.0)


def test_a_song_that_has_shared_its_steps_is_dearer_alone() -> None:
    work = Work(1.0, 2.0, stretch=10.0 / 3.0, sound_seconds=60.0, step_seconds=1.0)
    assert expected_seconds(work, free_sharing(), 1) == pytest.approx(10.0)
    assert expected_seconds(work, UNKNOWN, 1) == pytest.approx(3.0)


def test_what_a_song_has_taken_is_told_as_if_all_had_shared_its_steps() -> None:
    usage = DeviceUsage(step_seconds=8.0, whole_step_seconds=8.0, other_seconds=2.0)
    assert used_seconds(usage, free_sharing(), 8) == pytest.approx(3.0)
    assert used_seconds(DeviceUsage(other_seconds=2.0), free_sharing(), 8) == 2.0
