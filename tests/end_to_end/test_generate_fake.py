"""Tests of the whole service as a process, with the fake engine: responses to callers, and health, log and exit status
for operators.
"""

import hashlib
import queue
import signal
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from tests.support.service import Service, running_service

ENGINES = "fake=tests.support.fakes:FakeEngine,missing=tests.support.fakes:MissingEngine"
TIMEOUT_SECONDS = 60.0


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service(ENGINES, READY_ENGINES="any", GRACE_SECONDS=str(TIMEOUT_SECONDS)) as started:
        yield started


@pytest.fixture(scope="module")
def lasting() -> Iterator[grpc.Channel]:
    """Fixture: a channel to a server that runs during all tests of this module."""
    with running_service(ENGINES, READY_ENGINES="any") as started, grpc.insecure_channel(started.address) as channel:
        started.wait_serving(channel)
        yield channel


@pytest.fixture
def channel(service: Service) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        yield channel


def song(channel: grpc.Channel, seconds: float = 10.0, **fields: Any) -> Iterator[music_pb2.GenerateResponse]:
    request = music_pb2.GenerateRequest(**{"prompt": "noise", "duration_seconds": seconds, "seed": 3, **fields})
    return iter(music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=TIMEOUT_SECONDS))


def statuses(channel: grpc.Channel) -> Iterator[int]:
    """Return an iterator over the statuses that the health service reports from now on."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return (told.status for told in stub.Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS))


def kind(response: music_pb2.GenerateResponse) -> str | None:
    return response.event.WhichOneof("event")


def test_a_song_arrives_in_order_and_whole(lasting: grpc.Channel) -> None:
    responses = list(song(lasting))
    assert [kind(responses[0]), kind(responses[1]), kind(responses[-1])] == ["accepted", "plan", "finished"]
    chunks = [response.event.chunk for response in responses if kind(response) == "chunk"]
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    data, finished = b"".join(chunk.data for chunk in chunks), responses[-1].event.finished
    assert (finished.size_bytes, finished.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert [r.event.section_finished.section_index for r in responses if kind(r) == "section_finished"] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_an_engine_that_cannot_be_loaded_is_listed_and_says_what_to_do(lasting: grpc.Channel) -> None:
    engines = music_pb2_grpc.MusicServiceStub(lasting).ListEngines(music_pb2.ListEnginesRequest()).engines
    assert [(engine.name, engine.ready) for engine in engines] == [("fake", True), ("missing", False)]
    with pytest.raises(grpc.RpcError) as error:
        list(song(lasting, engine="missing"))
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "make weights" in str(error.value.details())


def test_a_drain_lets_running_songs_finish_and_takes_no_new_ones(service: Service, channel: grpc.Channel) -> None:
    health = statuses(channel)
    assert next(health) == health_pb2.HealthCheckResponse.SERVING
    running = song(channel, seconds=40.0, steps=50)
    assert kind(next(running)) == "accepted"
    service.process.send_signal(signal.SIGTERM)
    assert next(health) == health_pb2.HealthCheckResponse.NOT_SERVING
    with pytest.raises(grpc.RpcError) as refusal:
        next(song(channel))
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
    assert [kind(response) for response in running][-1] == "finished"
    assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_a_second_signal_cuts_the_drain_short(service: Service, channel: grpc.Channel) -> None:
    health = statuses(channel)
    assert next(health) == health_pb2.HealthCheckResponse.SERVING
    running = song(channel, prompt="hang")
    assert kind(next(running)) == "accepted"
    service.process.send_signal(signal.SIGTERM)
    assert next(health) == health_pb2.HealthCheckResponse.NOT_SERVING
    service.process.send_signal(signal.SIGTERM)
    with pytest.raises(grpc.RpcError) as error:
        list(running)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_a_call_that_nobody_ends_holds_up_no_drain(service: Service, channel: grpc.Channel) -> None:
    """A call of the reflection service stays open as long as its client wants; only songs may delay the end of a
    server.
    """
    asked: queue.SimpleQueue[reflection_pb2.ServerReflectionRequest] = queue.SimpleQueue()
    asked.put(reflection_pb2.ServerReflectionRequest(list_services=""))
    schema: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    answers = schema.ServerReflectionInfo(iter(asked.get, None))
    assert next(answers).list_services_response.service
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(TIMEOUT_SECONDS / 2) == 0


def test_songs_that_outlast_the_grace_are_told_why_and_logged() -> None:
    with (
        running_service(ENGINES, READY_ENGINES="any", GRACE_SECONDS="1") as service,
        grpc.insecure_channel(service.address) as channel,
    ):
        service.wait_serving(channel)
        running = song(channel, seconds=240.0, steps=100)
        assert kind(next(running)) == "accepted"
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.RpcError) as ended:
            list(running)
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "before the song was complete" in str(ended.value.details())
        assert service.process.stderr is not None
        assert any("ended before these songs were complete" in line for line in service.process.stderr)
        assert service.process.wait(TIMEOUT_SECONDS) == 0
