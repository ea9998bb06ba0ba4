"""Tests of connections: encrypted, too many, too busy, or too old."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from melisma_client import Client, Unavailable, tls_credentials
from melisma_client.retry import NO_RETRY
from tests.support.servers import eventually
from tests.support.service import Service, running_service, start

FAKE = "fake=tests.support.fakes:FakeEngine"
TIMEOUT_SECONDS = 60.0


class Certificates:
    """Files of two certificate authorities, and of certificates that they have issued."""

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
    """Return True if a call with these credentials succeeds."""
    with Client(service.address, retry=NO_RETRY, credentials=credentials) as client:
        try:
            return bool(client.list_engines(timeout_seconds=5.0))
        except Unavailable:
            return False


def test_tls_lets_in_who_encrypts_and_a_renewed_certificate_is_shown_without_a_restart(
    certificates: Certificates,
) -> None:
    certificate, key = certificates.pair("server")
    with running_service(FAKE, TLS__CERTIFICATE=str(certificate), TLS__KEY=str(key)) as service:
        assert ask(service, tls_credentials(certificates.ca))
        assert not ask(service, None)
        assert not ask(service, tls_credentials())
        renewed = certificates.folder / "renewed-ca.pem"
        certificates.theirs.cert_pem.write_to_path(renewed)
        certificates.issue("server", certificates.theirs, "127.0.0.1")
        assert ask(service, tls_credentials(renewed))
        certificate.write_text("no certificate", "utf-8")
        assert ask(service, tls_credentials(renewed))


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


@pytest.fixture(scope="module")
def for_two() -> Iterator[Service]:
    """Fixture: a server that accepts at most two connections at a time."""
    with running_service(FAKE, CONNECTIONS__COUNT="2") as service:
        service.discard_log()
        yield service


def test_connections_beyond_the_limit_get_nowhere(for_two: Service) -> None:
    with ExitStack() as watching:
        for _ in range(2):
            options = [("grpc.use_local_subchannel_pool", 1)]
            channel = watching.enter_context(grpc.insecure_channel(for_two.address, options))
            health: Any = health_pb2_grpc.HealthStub(channel)
            next(health.Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS))
        assert not ask(for_two, None)
        time.sleep(1.5)
        assert not ask(for_two, None)
        watching.close()
        eventually(lambda: ask(for_two, None))


def test_connections_that_say_nothing_give_way(for_two: Service) -> None:
    host, _, port = for_two.address.rpartition(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(2)]
    try:
        eventually(lambda: ask(for_two, None))
    finally:
        for connection in silent:
            connection.close()


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
    """A client with a permanent channel reconnects to new servers, without losing the song that it receives."""
    slow = "fake=tests.deploy.engines:SlowEngine"
    with (
        running_service(slow, CONNECTIONS__AGE_SECONDS="1") as service,
        grpc.insecure_channel(service.address) as channel,
    ):
        service.wait_serving(channel)
        stub = music_pb2_grpc.MusicServiceStub(channel)
        began_at = time.monotonic()
        song = list(stub.Generate(music_pb2.GenerateRequest(prompt="x", duration_seconds=30), timeout=TIMEOUT_SECONDS))
        assert song[-1].event.HasField("finished")
        assert time.monotonic() - began_at > 2, "the song was over before its connection had its age"
        stub.ListEngines(music_pb2.ListEnginesRequest(), timeout=TIMEOUT_SECONDS)
        service.process.terminate()
        assert service.process.stderr is not None
        calls = [line for line in map(json.loads, service.process.stderr) if line["message"] == "a gRPC call has ended"]
    assert [call["code"] for call in calls] == ["OK", "OK"]
    assert len({call["peer"] for call in calls}) == 2
