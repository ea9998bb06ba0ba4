"""Tests of the trace of a song, from the caller through the server into the worker process, with a real collector."""

import json
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import grpc
import pytest

from melisma.v1 import music_pb2, music_pb2_grpc
from tests.support.collector import CollectedSpan, Collector, collecting
from tests.support.servers import eventually
from tests.support.service import Service, running_service, start

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER_SPAN = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{CALLER_SPAN}-01"
UNSAMPLED_TRACE = TRACE.replace("0af", "3af")
CALL = "melisma.v1.MusicService/Generate"
FAKE = "fake=tests.support.fakes:FakeEngine"
WORDS = "这是秘密的歌词"
REQUEST = music_pb2.GenerateRequest(prompt="noise", lyrics=WORDS, duration_seconds=10)
TIMEOUT_SECONDS = 60.0


def sing(service: Service, *metadata: tuple[str, str], request: music_pb2.GenerateRequest = REQUEST) -> list[Any]:
    with grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        stub = music_pb2_grpc.MusicServiceStub(channel)
        return list(stub.Generate(request, timeout=TIMEOUT_SECONDS, metadata=metadata))


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def service(collector: Collector) -> Iterator[Service]:
    environment = pytest.MonkeyPatch()
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{collector.address}")
    environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    environment.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    with running_service(FAKE) as service:
        environment.undo()
        yield service


@pytest.fixture(scope="module")
def trace(collector: Collector, service: Service) -> list[CollectedSpan]:
    """Fixture: the spans of one song whose caller sent a `traceparent`."""
    sing(service, ("traceparent", PARENT))
    return [told for told in collector.wait_for(CALL) if told.span.trace_id.hex() == TRACE]


def parents(trace: list[CollectedSpan]) -> dict[str, set[str]]:
    names = {told.span.span_id: told.span.name for told in trace}
    found: dict[str, set[str]] = {}
    for told in trace:
        found.setdefault(told.span.name, set()).add(names.get(told.span.parent_span_id, ""))
    return found


def test_the_trace_is_whole(trace: list[CollectedSpan]) -> None:
    assert parents(trace) == {
        CALL: {""},
        "queued": {CALL},
        "first_audio": {CALL},
        "plan": {CALL},
        "section": {CALL},
        "prepare": {"section"},
        "denoise": {"section"},
        "render": {"section"},
        "encode": {"section"},
    }
    counts = Counter(told.span.name for told in trace)
    assert counts["section"] == counts["denoise"] == counts["render"] == counts["encode"] == 5
    assert counts["queued"] == counts["first_audio"] == counts["plan"] == counts[CALL] == 1


def test_the_trace_goes_on_that_of_the_caller(trace: list[CollectedSpan]) -> None:
    (call,) = (told for told in trace if told.span.name == CALL)
    assert call.span.parent_span_id.hex() == CALLER_SPAN
    assert call.attributes["rpc.response.status_code"] == "OK"
    assert call.attributes["melisma.outcome"] == "completed"
    assert call.attributes["melisma.caller"] == "anonymous"
    assert (call.attributes["server.address"], call.attributes["client.address"]) == (socket.gethostname(), "127.0.0.1")
    assert call.attributes["client.port"] > 0
    assert call.attributes["melisma.sound_seconds"] == pytest.approx(10, abs=0.1)


def test_the_trace_crosses_into_the_process_of_the_worker(trace: list[CollectedSpan], service: Service) -> None:
    work = [told for told in trace if told.span.name in ("plan", "prepare", "denoise", "render")]
    (pid,) = {told.attributes["process.pid"] for told in work}
    assert pid != service.process.pid
    assert {told.attributes["melisma.device"] for told in work} == {"cpu"}
    steps = next(told for told in trace if told.span.name == "denoise")
    assert steps.attributes["melisma.steps"] == 4
    assert steps.attributes["melisma.batch_sections"] == [1, 1, 1, 1]


def test_parts_lie_within_the_call_and_in_order(trace: list[CollectedSpan]) -> None:
    (call,) = (told.span for told in trace if told.span.name == CALL)
    for told in trace:
        assert call.start_time_unix_nano <= told.span.start_time_unix_nano <= told.span.end_time_unix_nano
        assert told.span.end_time_unix_nano <= call.end_time_unix_nano
    sections = {told.attributes["melisma.section"]: told.span for told in trace if told.span.name == "section"}
    assert sorted(sections) == [0, 1, 2, 3, 4]
    for told in trace:
        if told.span.name in ("denoise", "render", "encode"):
            section = next(one for one in sections.values() if one.span_id == told.span.parent_span_id)
            assert section.start_time_unix_nano <= told.span.start_time_unix_nano
            assert told.span.end_time_unix_nano <= section.end_time_unix_nano + 1e6


def test_the_resource_is_named_by_the_standard_variables(trace: list[CollectedSpan]) -> None:
    assert trace[0].resource["service.name"] == "melisma"
    assert trace[0].resource["deployment.environment.name"] == "test"


def test_no_word_of_the_song_is_in_its_trace(trace: list[CollectedSpan]) -> None:
    assert WORDS.encode() not in b"".join(told.span.SerializeToString() for told in trace)


def test_a_figure_leads_to_the_trace(trace: list[CollectedSpan], service: Service) -> None:
    question = Request(
        f"http://{service.http_address}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    with urlopen(question, timeout=10) as response:
        text = response.read().decode()
    for name in ("first_audio_seconds", "song_latency_seconds", "song_queue_seconds", "song_underrun_seconds"):
        assert re.search(rf'melisma_{name}_bucket{{.*}} \S+ # {{trace_id="{TRACE}"}}', text), name


def test_a_refused_call_has_a_span_with_its_status(collector: Collector, service: Service) -> None:
    wrong = music_pb2.GenerateRequest(prompt="x", duration_seconds=1)
    other = TRACE.replace("0af", "1af")
    with pytest.raises(grpc.RpcError):
        sing(service, ("traceparent", f"00-{other}-{CALLER_SPAN}-01"), request=wrong)
    calls = [told for told in collector.wait_for(CALL, 2) if told.span.trace_id.hex() == other]
    assert [told.attributes["rpc.response.status_code"] for told in calls] == ["INVALID_ARGUMENT"]
    assert calls[0].span.status.code == 0
    assert calls[0].attributes["melisma.engine"] == "fake"
    assert calls[0].attributes["melisma.reason"] == "INVALID_REQUEST"


def test_a_listener_who_comes_later_leads_to_the_song(collector: Collector, service: Service) -> None:
    with grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        stub = music_pb2_grpc.MusicServiceStub(channel)
        call = stub.Generate(REQUEST, timeout=TIMEOUT_SECONDS)
        song_id = next(call).event.accepted.song_id
        list(stub.Listen(music_pb2.ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS))
        list(call)
    collector.wait_for("melisma.v1.MusicService/Listen")
    spans = [told for told in collector.spans if told.attributes.get("melisma.song_id") == song_id]
    (listen,) = (told for told in spans if told.span.name.endswith("/Listen"))
    eventually(lambda: any(told.span.span_id == listen.span.links[0].span_id for told in collector.spans))
    (song,) = (told for told in collector.spans if told.span.span_id == listen.span.links[0].span_id)
    assert song.span.name == CALL
    assert song.attributes["melisma.song_id"] == song_id


def test_an_unsampled_caller_is_left_alone(collector: Collector, service: Service) -> None:
    other = TRACE.replace("0af", "2af")
    sing(service, ("traceparent", f"00-{other}-{CALLER_SPAN}-00"))
    sing(service, ("traceparent", "nonsense"))
    seen = collector.wait_for(CALL, 3)
    assert other not in {told.span.trace_id.hex() for told in seen}


def lines_of(*environment: tuple[str, str]) -> list[dict[str, Any]]:
    """Return the log of a service with the settings `environment` that makes two songs, the second one without a
    sampled trace, and then gets SIGTERM.
    """
    with running_service(FAKE, **dict(environment)) as service:
        sing(service, ("traceparent", PARENT))
        sing(service, ("traceparent", f"00-{UNSAMPLED_TRACE}-{CALLER_SPAN}-00"))
        service.process.send_signal(signal.SIGTERM)
        assert service.process.stderr is not None
        lines = [json.loads(line) for line in service.process.stderr]
        assert service.process.wait(TIMEOUT_SECONDS) == 0
    return lines


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Fixture: the log of a service whose trace collector never responds, which loses only spans."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        return lines_of()


@pytest.fixture(scope="module")
def lines_with_words() -> list[dict[str, Any]]:
    """Fixture: the log of a service without a collector, with the setting that logs prompts and lyrics."""
    return lines_of(("LOG_REQUESTS", "true"))


def test_log_lines_name_the_song_and_its_trace(lines: list[dict[str, Any]]) -> None:
    accepted, _ = (line for line in lines if line["message"] == "a song was accepted")
    call, _ = (
        line for line in lines if line["message"].endswith("call has ended") and line["method"].endswith("Generate")
    )
    assert accepted["song_id"].startswith("song-")
    assert accepted["song_id"] == call["song_id"]
    assert accepted["trace_id"] == call["trace_id"] == TRACE
    assert call["code"] == "OK"
    assert len(call["span_id"]) == 16
    assert (call["engine"], call["caller"]) == ("fake", accepted["caller"])


def test_an_unsampled_song_has_its_trace_in_the_log(lines_with_words: list[dict[str, Any]]) -> None:
    named = {line["message"] for line in lines_with_words if line.get("trace_id") == UNSAMPLED_TRACE}
    assert {"a song was accepted", "a gRPC call has ended"} <= named


def test_a_propagator_that_is_not_installed_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", "carrier-pigeon")
    service = start("--port", "0", "--http-port", "0", ENGINES=FAKE)
    _, errors = service.communicate(timeout=TIMEOUT_SECONDS)
    assert service.returncode == 1
    assert "OTEL_PROPAGATORS cannot be used: Propagator carrier-pigeon not found" in errors
    assert "Traceback" not in errors


def test_words_are_logged_only_where_they_may_be(
    lines: list[dict[str, Any]], lines_with_words: list[dict[str, Any]]
) -> None:
    assert WORDS not in json.dumps(lines, ensure_ascii=False)
    accepted = [line for line in lines_with_words if line["message"] == "a song was accepted"]
    assert [(line["prompt"], line["lyrics"]) for line in accepted] == [("noise", WORDS)] * 2
