"""Tests of the frontend, which takes the place of the runner on a server that makes no songs."""

import time

import pytest
from prometheus_client import CollectorRegistry

from server.errors import DeadlineTooShort, Draining, EngineNotReady, Overloaded, ServiceError, UnknownEngine
from server.generation.frontend import Frontend
from server.songs.ports import ServiceState
from server.store.whole_service import Queue, QueueFull
from server.telemetry.metrics import Metrics
from tests.server.generation.admission.test_service_eta import SERVED, state
from tests.support.runners import request
from tests.support.sinks import ReadSink


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def frontend(registry: CollectorRegistry) -> Frontend:
    metrics = Metrics(registry, engines=["fake", "never"], devices=[])
    return Frontend(("fake", "never"), queued_songs=16, cold_start_seconds=60.0, metrics=metrics)


def test_a_song_waits_for_a_known_engine_and_is_told_the_time_of_the_start(frontend: Frontend) -> None:
    checked = frontend.check(request(engine="fake", duration_seconds=60.0), state())
    assert checked.accepted("song", 3).estimated_first_audio_seconds == pytest.approx(60.75)
    with pytest.raises(ServiceError, match="frontend"):
        checked.begin("song", ReadSink(), 0)


def test_a_deadline_before_the_start_is_refused_at_once(frontend: Frontend, registry: CollectorRegistry) -> None:
    deadline = time.monotonic() + 30.0
    with pytest.raises(DeadlineTooShort, match=r"complete in about 66\.\d s"):
        frontend.check(request(engine="fake", duration_seconds=60.0, deadline=deadline), state())
    frontend.check(request(engine="fake", duration_seconds=60.0, deadline=deadline), state(served=SERVED))
    labels = {"engine": "fake", "reason": "deadline_too_short"}
    assert registry.get_sample_value("melisma_songs_refused_total", labels) == 1.0


def test_an_engine_that_was_never_served_is_refused_with_what_to_do(frontend: Frontend) -> None:
    for service in (None, state(), ServiceState({}, Queue((), 0))):
        with pytest.raises(EngineNotReady, match="MELISMA_ROLE=generator"):
            frontend.check(request(engine="never"), service)
    with pytest.raises(UnknownEngine, match="fake, never"):
        frontend.check(request(engine="other"), state())


async def test_a_draining_frontend_lets_nothing_in_and_has_nothing_to_finish(frontend: Frontend) -> None:
    await frontend.start()
    assert (frontend.room().slots, frontend.room().free, frontend.room().queued) == (0, 0, 16)
    assert frontend.liveness_problem() is None
    assert frontend.readiness.readiness_problem() is None
    assert isinstance(frontend.refusal(request(engine="fake"), QueueFull(16)), Overloaded)
    assert await frontend.stop(0.0) == frontend.cut_off() == 0
    await frontend.idle()
    with pytest.raises(Draining):
        frontend.check(request(engine="fake"), state())
