"""Who may not come in, or asks for too much, is told so by the right status, and costs nobody else anything."""

import hashlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from melisma_client import (
    Client,
    MelismaError,
    PermissionDenied,
    QuotaExceeded,
    SongRequest,
    Unauthenticated,
    Unavailable,
    tls_credentials,
)
from melisma_client.retry import NO_RETRY
from tests.support.edge import details_of
from tests.support.service import Service, running_service, start

FAKE = "fake=tests.support.fakes:FakeEngine"
SONG = SongRequest(prompt="noise", duration_seconds=10)
LONG = SongRequest(prompt="noise", duration_seconds=240)
TIMEOUT_SECONDS = 60.0


def write_keys(path: Path, **keys: dict[str, Any]) -> None:
    """A file of keys; the key of NAME is "key-of-NAME"."""
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
            list(generate(bytes(1 << 17), metadata=(("authorization", "Bearer key-of-boss"),)))
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
        (call,) = (line for line in map(json.loads, service.process.stderr) if line["message"] == "call")
    assert (call["method"], call["code"]) == ("/melisma.v1.MusicService/ListEngines", "UNAUTHENTICATED")
    assert call["peer"].startswith("ipv4:127.0.0.1:")


class Certificates:
    """Two authorities, and who they vouch for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ours, self.theirs = trustme.CA(), trustme.CA()
        self.ca = folder / "ca.pem"
        self.ours.cert_pem.write_to_path(self.ca)
        self.issue("server", self.ours, "127.0.0.1", "localhost")
        self.issue("client", self.ours, "client.example")
        self.issue("stranger", self.theirs, "client.example")

    def issue(self, name: str, authority: trustme.CA, *identities: str) -> None:
        leaf = authority.issue_cert(*identities)
        (self.folder / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(self.folder / f"{name}.key")

    def pair(self, name: str) -> tuple[Path, Path]:
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def ask(service: Service, credentials: grpc.ChannelCredentials | None) -> bool:
    """Whether the server can be talked to."""
    with Client(service.address, retry=NO_RETRY, credentials=credentials) as client:
        try:
            return bool(client.list_engines(timeout_seconds=5.0))
        except Unavailable:
            return False


def test_tls_lets_in_who_encrypts(certificates: Certificates) -> None:
    certificate, key = certificates.pair("server")
    with running_service(FAKE, TLS__CERTIFICATE=str(certificate), TLS__KEY=str(key)) as service:
        assert ask(service, tls_credentials(certificates.ca))
        assert not ask(service, None)
        assert not ask(service, tls_credentials())


def test_mutual_tls_lets_in_whom_the_authority_vouches_for(certificates: Certificates) -> None:
    certificate, key = certificates.pair("server")
    files = {"TLS__CERTIFICATE": str(certificate), "TLS__KEY": str(key), "TLS__CLIENT_CA": str(certificates.ca)}
    with running_service(FAKE, **files) as service:
        assert ask(service, tls_credentials(certificates.ca, *certificates.pair("client")))
        assert not ask(service, tls_credentials(certificates.ca))
        assert not ask(service, tls_credentials(certificates.ca, *certificates.pair("stranger")))


@pytest.mark.parametrize("variable", ["API_KEYS", "TLS__CERTIFICATE"])
def test_a_missing_file_is_told_at_the_start(variable: str, certificates: Certificates) -> None:
    files = {"TLS__CERTIFICATE": "nowhere.pem", "TLS__KEY": str(certificates.pair("server")[1])}
    given = files if variable.startswith("TLS") else {variable: "nowhere.json"}
    with start("--port", "0", "--http-port", "0", ENGINES=FAKE, **given) as process:
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 1
    assert "nowhere" in told
    assert "Traceback" not in told


def test_a_renewed_certificate_is_shown_without_a_restart(certificates: Certificates) -> None:
    certificate, key = certificates.pair("server")
    with running_service(FAKE, TLS__CERTIFICATE=str(certificate), TLS__KEY=str(key)) as service:
        assert ask(service, tls_credentials(certificates.ca))
        renewed = certificates.folder / "renewed-ca.pem"
        certificates.theirs.cert_pem.write_to_path(renewed)
        certificates.issue("server", certificates.theirs, "127.0.0.1")
        assert ask(service, tls_credentials(renewed))
        certificate.write_text("no certificate", "utf-8")
        assert ask(service, tls_credentials(renewed))


def test_connections_beyond_the_limit_get_nowhere() -> None:
    with running_service(FAKE, CONNECTIONS__COUNT="2") as service:
        host, _, port = service.address.rpartition(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(2)]
        try:
            time.sleep(0.5)
            assert not ask(service, None)
        finally:
            for connection in idle:
                connection.close()
        time.sleep(0.5)
        assert ask(service, None)


def test_who_probes_too_often_is_disconnected() -> None:
    options = [
        ("grpc.keepalive_time_ms", 1),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_sent_ping_interval_without_data_ms", 1),
    ]
    with running_service(FAKE) as service, grpc.insecure_channel(service.address, options) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=30)
        with pytest.raises(grpc.RpcError) as ended:
            list(watch)
        assert ended.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
        assert "too many pings" in str(ended.value.details()).lower()
        with grpc.insecure_channel(service.address) as other:
            service.wait_serving(other)


def test_a_connection_ends_by_its_age_and_its_songs_do_not() -> None:
    """A client that keeps its channel is to find new servers, without losing what it listens to."""
    slow = "fake=tests.deploy.engines:SlowEngine"
    with (
        running_service(slow, CONNECTIONS__AGE_SECONDS="1") as service,
        grpc.insecure_channel(service.address) as channel,
    ):
        service.wait_serving(channel)
        stub = music_pb2_grpc.MusicServiceStub(channel)
        began_at = time.monotonic()
        song = list(stub.Generate(music_pb2.GenerateRequest(prompt="x", duration_seconds=30), timeout=TIMEOUT_SECONDS))
        assert song[-1].HasField("finished")
        assert time.monotonic() - began_at > 2, "the song was over before its connection had its age"
        stub.ListEngines(music_pb2.ListEnginesRequest(), timeout=TIMEOUT_SECONDS)
        service.process.terminate()
        assert service.process.stderr is not None
        calls = [line for line in map(json.loads, service.process.stderr) if line["message"] == "call"]
    assert [call["code"] for call in calls] == ["OK", "OK"]
    assert len({call["peer"] for call in calls}) == 2
