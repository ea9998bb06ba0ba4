"""Tests that callers without a valid key, or beyond their quota, get the right status, and do not affect other
callers.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from melisma.v1 import music_pb2
from melisma_client import (
    Client,
    MelismaError,
    PermissionDenied,
    QuotaExceeded,
    SongRequest,
    Unauthenticated,
)
from melisma_client.retry import NO_RETRY
from tests.support.edge import details_of
from tests.support.service import Service, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"
SONG = SongRequest(prompt="noise", duration_seconds=10)
LONG = SongRequest(prompt="noise", duration_seconds=240)
TIMEOUT_SECONDS = 60.0


def write_keys(path: Path, **keys: dict[str, Any]) -> None:
    """Write a file of API keys; the key of the caller NAME is "key-of-NAME"."""
    entries = [
        {"name": name, "sha256": hashlib.sha256(f"key-of-{name}".encode()).hexdigest(), **limits}
        for name, limits in keys.items()
    ]
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": entries}), "utf-8")
    fresh.replace(path)


KEYS: dict[str, dict[str, Any]] = {
    "boss": {},
    "watcher": {"scopes": ["engines"]},
    "single": {"concurrent_songs": 1},
    "slow": {"songs_per_minute": 1},
    "short": {"audio_seconds_per_hour": 15},
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def service(keys: Path) -> Iterator[Service]:
    write_keys(keys, **KEYS)
    with (
        running_service(FAKE, API_KEYS=str(keys), LIMITS__REQUEST_BYTES=str(1 << 16)) as service,
        grpc.insecure_channel(service.address) as channel,
    ):
        service.wait_serving(channel)
        yield service


def client(service: Service, name: str = "", **options: Any) -> Client:
    return Client(service.address, retry=NO_RETRY, api_key=f"key-of-{name}" if name else "", **options)


def sing(client: Client, request: SongRequest = SONG) -> int:
    return sum(map(len, client.generate(request, timeout_seconds=TIMEOUT_SECONDS).audio()))


def test_a_key_opens_its_methods(service: Service) -> None:
    with client(service, "boss") as boss:
        assert sing(boss) > 0
        assert [engine.name for engine in boss.list_engines()] == ["fake"]


@pytest.mark.parametrize("key", ["", "key-of-nobody", "key-of-boss2", "key-of-bos"])
def test_without_a_good_key_every_method_is_closed(service: Service, key: str) -> None:
    with Client(service.address, retry=NO_RETRY, api_key=key) as stranger:
        for ask in (lambda: sing(stranger), stranger.list_engines, lambda: stranger.get_engine("fake")):
            with pytest.raises(Unauthenticated) as refusal:
                ask()
            assert "key-of" not in str(refusal.value)


def test_health_needs_no_key_and_the_schema_does(service: Service) -> None:
    with grpc.insecure_channel(service.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        schema: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError) as refusal:
            next(schema.ServerReflectionInfo(iter([question])))
        assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
        answers = schema.ServerReflectionInfo(iter([question]), metadata=(("authorization", "Bearer key-of-watcher"),))
        assert next(answers).list_services_response.service


def test_a_key_without_the_scope_is_denied(service: Service) -> None:
    with client(service, "watcher") as watcher:
        assert watcher.list_engines()
        with pytest.raises(PermissionDenied, match="generate"):
            sing(watcher)


def test_songs_at_once_are_bounded_for_each_key(service: Service) -> None:
    with client(service, "single") as single, client(service, "boss") as boss:
        with single.generate(LONG, timeout_seconds=TIMEOUT_SECONDS) as running:
            next(iter(running))
            with pytest.raises(QuotaExceeded, match="1 songs at once") as refusal:
                sing(single)
            assert refusal.value.retry_after_seconds is not None
            assert sing(boss) > 0
        give_up_at = time.monotonic() + 10
        while time.monotonic() < give_up_at:
            try:
                assert sing(single) > 0
                return
            except QuotaExceeded:
                time.sleep(0.05)
        pytest.fail("the place of the cancelled song was not given back")


def test_songs_a_minute_and_sound_an_hour_are_bounded_for_each_key(service: Service) -> None:
    for name, text in (("slow", "1 songs a minute"), ("short", "15 s of sound an hour")):
        with client(service, name) as caller:
            assert sing(caller) > 0
            with pytest.raises(QuotaExceeded, match=text) as refusal:
                sing(caller)
            assert refusal.value.retry_after_seconds is not None
            assert refusal.value.retry_after_seconds > 10


def test_the_quota_is_told_in_the_details(service: Service) -> None:
    with grpc.insecure_channel(service.address) as channel:
        generate: Any = channel.unary_stream("/melisma.v1.MusicService/Generate")
        request = music_pb2.GenerateRequest(prompt="x", duration_seconds=240)
        key = (("authorization", "Bearer key-of-short"),)
        with pytest.raises(grpc.RpcError) as refusal:
            list(generate(request.SerializeToString(), metadata=key))
    details = details_of(refusal.value)
    assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details["ErrorInfo"].reason == "QUOTA_EXCEEDED"
    assert [violation.subject for violation in details["QuotaFailure"].violations] == ["audio_seconds_per_hour"]


def test_an_oversize_request_is_refused_and_costs_nothing(service: Service) -> None:
    with grpc.insecure_channel(service.address) as channel:
        generate: Any = channel.unary_stream("/melisma.v1.MusicService/Generate")
        with pytest.raises(grpc.RpcError) as refusal:
            list(generate(bytes(5 << 20), metadata=(("authorization", "Bearer key-of-boss"),)))
        assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        with pytest.raises(grpc.RpcError) as refusal:
            list(generate(b"", metadata=(("authorization", "Bearer " + "k" * (1 << 15)),)))
        assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with client(service, "boss") as boss:
        assert sing(boss) > 0


def test_keys_are_replaced_without_a_restart(service: Service, keys: Path) -> None:
    def answer(name: str) -> type[MelismaError] | None:
        with client(service, name) as caller:
            try:
                caller.list_engines()
            except MelismaError as error:
                return type(error)
            return None

    write_keys(keys, **KEYS, fresh={})
    give_up_at = time.monotonic() + 10
    while answer("fresh") is not None:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    write_keys(keys, **KEYS)
    while answer("fresh") is None:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    assert answer("fresh") is Unauthenticated
    assert answer("boss") is None


def test_refusals_are_counted(service: Service) -> None:
    with client(service, "nobody") as stranger, pytest.raises(Unauthenticated):
        stranger.list_engines()
    with urlopen(f"http://{service.http_address}/metrics", timeout=10) as response:
        text = response.read().decode()
    assert 'melisma_calls_refused_total{reason="unauthenticated"}' in text
    assert 'melisma_songs_refused_total{engine="fake",reason="quota_exceeded"}' in text
    assert "melisma_keys_usable 1.0" in text


def test_a_refused_call_is_logged_with_where_it_came_from(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    write_keys(keys, **KEYS)
    with running_service(FAKE, API_KEYS=str(keys)) as service:
        with client(service, "nobody") as stranger, pytest.raises(Unauthenticated):
            stranger.list_engines()
        service.process.terminate()
        assert service.process.stderr is not None
        (call,) = (
            line for line in map(json.loads, service.process.stderr) if line["message"] == "a gRPC call has ended"
        )
    assert (call["method"], call["code"]) == ("/melisma.v1.MusicService/ListEngines", "UNAUTHENTICATED")
    assert call["peer"].startswith("ipv4:127.0.0.1:")
