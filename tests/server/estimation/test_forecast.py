import random

import pytest

from server.estimation.forecast import Estimate, Work, forecast


def song(first: float | None, rest: float, stretch: float = 1.0) -> Work:
    return Work(first, rest, stretch)


def finishes(songs: list[Work], devices: int = 1, slots: int = 8) -> list[float]:
    return [round(one.finish_seconds, 6) for one in forecast(songs, devices=devices, slots=slots)]


def first_audio(songs: list[Work], devices: int = 1, slots: int = 8) -> list[float | None]:
    return [one.first_audio_seconds for one in forecast(songs, devices=devices, slots=slots)]


def test_a_song_alone_takes_what_it_costs() -> None:
    assert forecast([song(0.2, 1.8)], devices=1, slots=8) == [Estimate(0.2, 2.0)]


def test_songs_that_nobody_hears_yet_come_one_after_the_other_before_all_others() -> None:
    assert first_audio([song(None, 5.0), song(0.2, 1.0), song(0.3, 1.0)]) == [None, 0.2, 0.5]


def test_heard_songs_share_the_device() -> None:
    assert finishes([song(None, 1.0), song(None, 2.0)]) == [2.0, 3.0]


def test_devices_work_beside_each_other_but_not_on_one_song() -> None:
    assert finishes([song(None, 1.0), song(None, 2.0)], devices=2) == [1.0, 2.0]
    assert finishes([song(None, 2.0)], devices=2) == [2.0]


def test_a_song_without_a_place_waits_until_one_is_free() -> None:
    assert first_audio([song(None, 1.0), song(0.5, 1.0)], slots=1) == [None, 1.5]


def test_a_song_alone_has_nobody_to_share_its_steps_with() -> None:
    assert forecast([song(0.2, 1.8, stretch=2.0)], devices=1, slots=8) == [Estimate(0.4, 4.0)]


def test_all_work_is_done_and_nothing_more() -> None:
    rng = random.Random(1)
    songs = [song(rng.choice((None, 0.3)), rng.uniform(0.1, 5.0)) for _ in range(50)]
    assert max(finishes(songs, slots=50)) == pytest.approx(sum(one.total_seconds for one in songs))


def test_a_song_that_ends_early_costs_less() -> None:
    work = Work(1.0, 9.0, sound_seconds=60.0, step_seconds=5.0)
    assert work.cut(0.5) == Work(1.0, 4.0, sound_seconds=30.0, step_seconds=2.5)
    assert work.cut(0.05).total_seconds == 1.0
    assert work.cut(1.0) is work


@pytest.mark.parametrize(("devices", "slots"), [(0, 1), (1, 0)])
def test_without_devices_or_slots_nothing_is_forecast(devices: int, slots: int) -> None:
    with pytest.raises(ValueError, match="needs at least one device and one slot"):
        forecast([song(0.1, 1.0)], devices=devices, slots=slots)


@pytest.mark.parametrize(
    ("used", "heard", "left"), [(0.5, True, (None, 1.5)), (9.0, True, (None, 0.1)), (0.1, False, (0.1, 1.8))]
)
def test_what_is_left_of_a_song(used: float, heard: bool, left: tuple[float | None, float]) -> None:
    work = song(0.2, 1.8).left(used, heard=heard)
    assert (work.first_seconds, work.rest_seconds) == pytest.approx(left)
