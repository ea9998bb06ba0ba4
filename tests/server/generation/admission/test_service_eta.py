"""Tests of time estimates for songs that wait while no server, or only another server, has loaded their engine."""

from dataclasses import replace

import pytest

from server.costs import Costs
from server.generation.admission.service_eta import Here, ServiceEta
from server.songs.ports import ServiceState
from server.store.whole_service import KnownEngine, Queue, ServedEngine, WaitingSong
from tests.support.fake_runner import FAKE_INFO
from tests.support.table import table

COSTS = Costs(0.0, 0.0, 0.1, 5.0, 0.25, 60.0, 12.0)
"""Costs of an engine: a song of 60 s takes 6 device seconds, its first sound 0.5 s, and 0.25 s more until it is
sent.
"""
SERVED = ServedEngine(FAKE_INFO, ["cpu"], 4, COSTS)
COLD = 60.0


def state(
    *waited_seconds: float,
    served: ServedEngine | None = None,
    away_seconds: float = 500.0,
    start_seconds: float | None = None,
    costs: Costs | None = COSTS,
) -> ServiceState:
    """Return the state of a service with a waiting song for each of `waited_seconds`, the time for which it has waited.

    `served` is the engine if a server has it loaded; otherwise its last server ended `away_seconds` ago.
    `start_seconds` is the measured time that a server needs to start, `None` if no start was measured; `costs` are the
    costs that the last server measured, `None` if it measured none.
    """
    songs = [WaitingSong(f"song-{n}", "me", "fake", 60.0, None, one) for n, one in enumerate(waited_seconds)]
    known = KnownEngine(ServedEngine(FAKE_INFO, ["cpu"], 4, costs), 0.0 if served else away_seconds, start_seconds)
    return ServiceState({"fake": served} if served else {}, Queue(songs, 0), {"fake": known})


def eta() -> ServiceEta:
    return ServiceEta(lambda _: None, lambda _: None, COLD)


def told(service: ServiceState) -> tuple[float, float]:
    """Return the estimated seconds to the first sound and to the end of a new song of 60 s."""
    found = eta().estimate("fake", service, Here(), sound_seconds=60.0, steps=None)
    assert found is not None
    assert found.estimate.first_audio_seconds is not None
    return found.estimate.first_audio_seconds, found.estimate.finish_seconds


def test_a_song_for_an_engine_that_is_served_costs_what_its_replicas_tell() -> None:
    assert told(state(served=SERVED)) == pytest.approx((0.75, 6.25))


@table(
    ("waited", "away", "measured", "start"),
    [
        ((), 500.0, None, 60.0),  # it begins with this song
        ((), 500.0, 20.0, 20.0),  # as long as starts before
        ((15.0,), 500.0, 20.0, 5.0),  # it began with the song before
        ((400.0,), 15.0, 20.0, 5.0),  # it began when the engine was lost
        ((29.0,), 500.0, 20.0, 9.0),  # it is late, and may be as late again
    ],
)
def test_where_nobody_serves_the_engine_the_start_comes_on_top(
    waited: tuple[float, ...], away: float, measured: float | None, start: float
) -> None:
    service = state(*waited, away_seconds=away, start_seconds=measured)
    assert eta().start_seconds("fake", service) == pytest.approx(start)
    assert told(service)[0] == pytest.approx(start + 0.75 + 0.5 * len(waited))
    for song in eta().waiting(service, Here()).values():
        assert song.estimated_first_audio_seconds == pytest.approx(start + 0.75)


def test_a_replica_that_has_come_since_the_engines_were_read_needs_no_start() -> None:
    service = state(30.0, away_seconds=0.0, start_seconds=30.0)
    assert eta().start_seconds("fake", service) == 0.0


def test_without_measured_songs_only_the_place_is_told() -> None:
    service = state(3.0, costs=None)
    assert eta().estimate("fake", service, Here(), sound_seconds=60.0, steps=None) is None
    (waiting,) = eta().waiting(service, Here()).values()
    assert (waiting.queue_position, waiting.estimated_first_audio_seconds) == (1, None)


def test_the_backlog_is_the_work_of_songs_that_wait_and_sound_counts_once_where_nothing_was_measured() -> None:
    assert eta().backlog_seconds(state(1.0, 2.0)) == {"fake": pytest.approx(12.0)}
    assert eta().backlog_seconds(state(1.0, 2.0, costs=None)) == {"fake": 120.0}
    assert eta().backlog_seconds(state()) == {"fake": 0.0}


def test_of_a_replica_that_has_gone_since_the_engines_were_read_the_start_comes_on_top() -> None:
    service = replace(state(away_seconds=0.3, start_seconds=20.0), engines={"fake": SERVED})
    assert told(service)[0] == pytest.approx(20.75)
