"""Tests of the benchmark of the scheduler: its simulated devices, encoders, listeners and traffic, and a whole run."""

from dataclasses import replace

import pytest

from benchmarks.scheduling.listener import Listener
from benchmarks.scheduling.outcome import outcome_of, served_at_once
from benchmarks.scheduling.pool import Pool
from benchmarks.scheduling.presets import PRESETS
from benchmarks.scheduling.runs import simulated
from benchmarks.scheduling.simulation import Simulation
from benchmarks.scheduling.traffic import DAY, ArrivingSong, Traffic, day_load

PRETEND = PRESETS["pretend"]
OTHER = replace(PRETEND, name="other")


def listener(*windows: tuple[float, float], seconds: float = 10.0, until: float = 100.0) -> Listener:
    """Return a simulated listener who requested a song of `seconds` at time 0 and stops listening at `until`. Each of
    `windows` is a time and the seconds of sound that arrive then.
    """
    one = Listener(0.0, seconds)
    for at, length in windows:
        one.hear(at, length)
    one.stop(until)
    return one


def test_a_listener_is_silent_from_the_end_of_the_sound_until_more_comes() -> None:
    one = listener((1.0, 2.0), (5.0, 8.0))
    assert (one.first_audio_seconds, one.silences, one.complete_at, one.plays_until) == (1.0, [(3.0, 2.0)], 5.0, 13.0)


def test_silence_counts_where_the_end_never_comes() -> None:
    assert listener((1.0, 2.0), until=20.0).silences == [(3.0, 17.0)]
    assert listener(until=20.0).silences == []


def test_listeners_are_served_at_once_while_none_of_them_is_silent() -> None:
    stalled = listener((1.0, 2.0), (5.0, 8.0))
    assert served_at_once([stalled, listener((3.5, 10.0), until=4.5)]) == 1
    assert served_at_once([stalled, listener((2.0, 10.0)), listener((6.0, 10.0))]) == 3


def test_songs_wait_for_an_encoder_window_by_window() -> None:
    pool = Pool((replace(PRETEND, encode_seconds=0.5),), (1,), encoders=1)
    simulation = Simulation(pool, pool.specs())
    encoded: list[tuple[str, float]] = []
    for song_id in ("a", "a", "b"):
        simulation.encoders.put(song_id, 2.0, lambda name=song_id: encoded.append((name, simulation.now)))  # type: ignore[misc]
    simulation.run(_Nobody(), (), 100.0)
    assert encoded == [("a", 2.0), ("b", 4.0), ("a", 6.0)]
    assert simulation.encoders.busy_seconds == 6.0


@pytest.mark.parametrize(("encoders", "stalls"), [(1, True), (None, False)])
def test_too_few_encoders_let_listeners_run_dry(encoders: int | None, stalls: bool) -> None:
    pool = Pool((replace(PRETEND, encode_seconds=0.4),), (1,), encoders)
    songs = [ArrivingSong(0.0, 20.0, PRETEND.name) for _ in range(4)]
    outcome = outcome_of(simulated(pool, "listeners", songs, 60.0), 60.0, server_ms=1.5)
    assert (outcome.worst_stall > 0.1) is stalls


def test_each_engine_makes_its_songs_on_its_own_devices() -> None:
    pool = Pool((PRETEND, OTHER), (1, 2))
    songs = [ArrivingSong(at, 30.0, name, at > 0.0) for at in (0.0, 1.0) for name in ("pretend", "other")]
    simulation = simulated(pool, "listeners", songs, 60.0, error=0.2)
    assert all(one.complete_at is not None for one in simulation.listeners.values())
    assert simulation.sound_seconds == pytest.approx(sum(song.seconds for song in songs))


def test_songs_that_were_not_heard_are_counted_apart() -> None:
    pool = Pool((PRETEND,), (1,))
    songs = [ArrivingSong(0.0, 30.0, PRETEND.name), ArrivingSong(9.99, 30.0, PRETEND.name)]
    outcome = outcome_of(simulated(pool, "deadline", songs, 10.0), 10.0, server_ms=1.5)
    assert (outcome.unheard, outcome.stalled) == (1, 0.0)


def test_traffic_gives_each_engine_its_share_of_songs_with_and_without_listeners() -> None:
    songs = Traffic({"small": 1.0, "large": 3.0}, detached=0.3).steady(0.5, 1000.0)
    large = sum(song.engine == "large" for song in songs)
    assert len(songs) == pytest.approx(2000, rel=0.1)
    assert large / len(songs) == pytest.approx(0.75, abs=0.05)
    assert sum(song.has_listener for song in songs) / len(songs) == pytest.approx(0.7, abs=0.05)


def test_a_day_follows_its_hours() -> None:
    songs = Traffic({"pretend": 10.0}).day(2400.0)
    hours = [int(song.at / 100.0) for song in songs]
    assert hours.count(4) < hours.count(12) < hours.count(20)
    assert [day_load(100.0 * hour, 2400.0) for hour, _ in DAY] == [load for _, load in DAY]


class _Nobody:
    """A stand-in for a scheduler without songs: it never has a command for a device."""

    def arrive(self, song_id: str, song: ArrivingSong, outlet: object) -> tuple[str, ...]:
        raise AssertionError

    def device_of(self, song_id: str) -> None:
        return None

    def next_command(self, device: str, lane: object) -> None:
        return None

    def done(self, device: str, reply: object, lane: object) -> None:
        raise AssertionError

    def encoded(self, seconds: float, sound_seconds: float) -> None:
        raise AssertionError
