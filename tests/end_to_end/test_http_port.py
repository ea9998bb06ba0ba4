"""Tests of the settings of the HTTP port: TLS, client certificates, and a separate port for metrics and probes."""

import http.client
import json
import ssl
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from server.auth.api_keys import new_key
from tests.end_to_end.test_connections import FAKE, TIMEOUT_SECONDS, Certificates
from tests.support.rest import LONG, MUSIC, SONG, Rest
from tests.support.service import Service, ready, running_service, start


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def asked(service: Service, ca: Path | None, pair: tuple[Path, Path] | None = None) -> int | str:
    """Return the HTTP status of a REST call, over TLS if `ca` (trusted certificates) is given, with the client
    certificate and key `pair`; "refused" if there is no response.
    """
    try:
        if ca is None:
            return Rest(service.http_address, {}).ask("GET", "/v1/engines").status
        context = ssl.create_default_context(cafile=ca)
        if pair:
            context.load_cert_chain(*pair)
        connection = http.client.HTTPSConnection(service.http_address, timeout=10, context=context)
        connection.request("GET", "/v1/engines")
        status = connection.getresponse().status
        connection.close()
        return status
    except (OSError, http.client.HTTPException):
        return "refused"


def test_mutual_tls_guards_both_ports_and_probes_have_their_own(certificates: Certificates) -> None:
    certificate, key = certificates.pair("server")
    files = {"TLS__CERTIFICATE": str(certificate), "TLS__KEY": str(key), "TLS__CLIENT_CA": str(certificates.ca)}
    with running_service(FAKE, OPERATIONS_PORT="0", **files) as service:
        ca, client, stranger = certificates.ca, certificates.pair("client"), certificates.pair("stranger")
        assert asked(service, ca, client) == HTTPStatus.OK
        assert [asked(service, ca), asked(service, ca, stranger), asked(service, None)] == ["refused"] * 3
        operations = Rest(service.operations_address, {})
        assert [operations.ask("GET", path).status for path in ("/livez", "/metrics", "/version")] == [200] * 3
        assert operations.ask("GET", "/v1/engines").status == HTTPStatus.NOT_FOUND
        certificates.issue("server", certificates.theirs, "127.0.0.1")
        renewed = certificates.folder / "renewed-ca.pem"
        certificates.theirs.cert_pem.write_to_path(renewed)
        assert asked(service, renewed, client) == HTTPStatus.OK
        assert asked(service, ca, client) == "refused"


def test_certificates_of_callers_for_grpc_alone_do_not_start(certificates: Certificates) -> None:
    certificate, key = certificates.pair("server")
    files = {"TLS__CERTIFICATE": str(certificate), "TLS__KEY": str(key), "TLS__CLIENT_CA": str(certificates.ca)}
    with start("--port", "0", "--http-port", "0", ENGINES=FAKE, TLS__HTTP="false", **files) as process:
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 2
    assert "MELISMA_TLS__HTTP" in told


def test_other_names_and_pages_make_no_songs() -> None:
    with running_service(FAKE) as service:
        rest = Rest(service.http_address, {})
        cases = {
            ("POST", f"{MUSIC}/generate", "Host", "evil.example"): HTTPStatus.MISDIRECTED_REQUEST,
            ("GET", MUSIC, "Host", "evil.example"): HTTPStatus.MISDIRECTED_REQUEST,
            ("POST", f"{MUSIC}/generate", "Origin", "http://evil.example"): HTTPStatus.FORBIDDEN,
            ("DELETE", f"{MUSIC}/x", "Origin", "null"): HTTPStatus.FORBIDDEN,
            ("GET", MUSIC, "Host", "localhost"): HTTPStatus.OK,
            ("GET", "/readyz", "Origin", "http://evil.example"): None,
            ("GET", "/livez", "Host", "melisma.monitoring"): HTTPStatus.OK,
        }
        found = {}
        for method, path, name, value in cases:
            answer = rest.ask(method, path, SONG if method == "POST" else None, **{name: value})
            found[method, path, name, value] = answer.status
            assert answer.headers["x-content-type-options"] == "nosniff", path
        assert {case: status for case, status in found.items() if cases[case] not in (None, status)} == {}


def test_an_answer_ends_with_the_key_of_its_call(tmp_path: Path) -> None:
    secret, key = new_key("games")
    path = tmp_path / "keys.json"

    def write(**limits: str) -> None:
        entry = {"name": key.name, "sha256": key.sha256, **limits}
        path.write_text(json.dumps({"keys": [entry]}), "utf-8")

    write()
    with running_service("fake=tests.deploy.engines:SlowEngine", API_KEYS=str(path)) as service:
        ready(service)
        rest = Rest(service.http_address, {"Authorization": f"Bearer {secret}"})
        assert rest.ask("GET", MUSIC).status == HTTPStatus.OK
        write(expires_at=(datetime.now(UTC) + timedelta(seconds=3.0)).isoformat())
        time.sleep(1.5)
        answer = rest.generate(LONG)
        assert (answer.status, answer.json["reason"]) == (HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED")
