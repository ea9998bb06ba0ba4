"""Tests of the command line against servers that cannot be reached: the message names each mistake and its remedy."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
import trustme
from typer.testing import CliRunner, Result

from melisma.v1.music_pb2_grpc import add_MusicServiceServicer_to_server
from melisma_client.cli import app
from melisma_client.terminal.diagnosis import Encryption, diagnose
from melisma_client.terminal.exits import Exit
from tests.clients.python.fakes import FakeMusic

WIRE_WORDS = ("backends", "UNKNOWN", "handshake", "SSL", "ipv4", "ipv6", "Traceback")


def asked(server: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["list", "--server", server, *options])


@contextmanager
def serving(credentials: grpc.ServerCredentials | None = None) -> Iterator[int]:
    """Context manager with the port of a scripted server, which uses TLS if `credentials` is given."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    add_MusicServiceServicer_to_server(FakeMusic(), server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield port
    server.stop(grace=None).wait()


class Files:
    """Files of two certificate authorities, one of which the server trusts, and of certificates of both."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        authorities = {"ours": trustme.CA(), "theirs": trustme.CA()}
        self.ours = authorities["ours"].issue_cert("localhost")
        self._files: dict[str, Path] = {}
        for name, authority in authorities.items():
            self._write(f"{name} authority", authority.cert_pem.bytes())
            issued = authority.issue_cert("client")
            self._write(f"{name} certificate", issued.cert_chain_pems[0].bytes())
            self._write(f"{name} key", issued.private_key_pem.bytes())
        self._write("words", b"-----BEGIN CERTIFICATE-----\nwords\n-----END CERTIFICATE-----\n")

    def _write(self, name: str, content: bytes) -> None:
        self._files[name] = self._folder / name.replace(" ", "-")
        self._files[name].write_bytes(content)

    def path(self, name: str) -> Path:
        return self._files[name]

    def server(self, *, asks: bool) -> grpc.ServerCredentials:
        """Return the credentials of a server; with `asks` it requires client certificates."""
        pair = (self.ours.private_key_pem.bytes(), self.ours.cert_chain_pems[0].bytes())
        ours = self._files["ours authority"].read_bytes() if asks else None
        return grpc.ssl_server_credentials([pair], ours, require_client_auth=asks)

    def client(self, whose: str, key: str = "") -> tuple[str, ...]:
        """Return the command-line options of the client certificate that the authority `whose` ("ours" or "theirs")
        issued, and of its private key. `key`, the name of the other authority, replaces the private key by one that
        does not match the certificate.
        """
        certificate, private_key = self.path(f"{whose} certificate"), self.path(f"{key or whose} key")
        return ("--certificate", str(certificate), "--private-key", str(private_key))


def test_every_mistake_of_encryption_is_named_with_the_way_out(tmp_path: Path) -> None:
    files = Files(tmp_path)
    ours, theirs = (Encryption(ca=files.path(f"{whose} authority")) for whose in ("ours", "theirs"))
    known, stranger = (
        replace(ours, certificate=files.path(f"{whose} certificate"), private_key=files.path(f"{whose} key"))
        for whose in ("ours", "theirs")
    )
    with (
        serving() as plain,
        serving(files.server(asks=False)) as tls,
        serving(files.server(asks=True)) as mutual,
    ):
        assert diagnose(f"localhost:{plain}", None) is None
        assert diagnose(f"localhost:{tls}", ours) is None
        assert diagnose(f"localhost:{mutual}", known) is None
        cases = [
            (f"localhost:{plain}", Encryption(), "does not use TLS, but this command does", "leave out --tls, --ca"),
            (f"127.0.0.1:{plain}", ours, "does not use TLS, but this command does", "leave out --tls, --ca"),
            (f"localhost:{plain}", known, "does not use TLS, but this command does", "MELISMA_PRIVATE_KEY"),
            (f"127.0.0.1:{tls}", None, "uses TLS, but this command does not", "--tls to trust"),
            (f"localhost:{mutual}", None, "uses TLS, but this command does not", "--tls to trust"),
            (f"localhost:{tls}", Encryption(), "is not trusted", "with --ca"),
            (f"localhost:{tls}", theirs, "is not trusted", "with --ca"),
            (f"127.0.0.1:{tls}", ours, "is not trusted: IP address mismatch", "the name in the server's certificate"),
            (f"localhost:{mutual}", ours, "requires a client certificate", "--certificate and --private-key"),
            (f"localhost:{mutual}", stranger, "rejects the client certificate", "of one that it accepts"),
        ]
        findings = [(*case, diagnose(case[0], case[1])) for case in cases]
    wrong = [one for *one, text, hint, found in findings if not (found and text in found.text and hint in found.hint)]
    assert wrong == []


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_command_tells_the_mistake_in_words_of_its_own(tmp_path: Path, encrypted: bool) -> None:
    files = Files(tmp_path)
    credentials, options = (files.server(asks=False), ()) if encrypted else (None, ("--tls",))
    with serving(credentials) as port:
        result = asked(f"localhost:{port}", *options)
    assert (result.exit_code, "TLS" in result.stderr) == (Exit.NO_SERVER, True), result.stderr
    assert not any(word in result.stderr for word in WIRE_WORDS)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--ca", "words"), "has no usable certificate"),
        (("client", "ours", "theirs"), "is not the key of"),
        (("--certificate", "ours certificate"), "or neither"),
    ],
)
def test_files_that_cannot_be_used_are_named_before_a_server_is_asked(
    tmp_path: Path, options: tuple[str, ...], text: str
) -> None:
    files = Files(tmp_path)
    kind, *names = options
    given = files.client(*names) if kind == "client" else (kind, str(files.path(names[0])))
    result = asked("localhost:1", *given)
    assert result.exit_code == Exit.WRONG_REQUEST
    # A long path is broken at the edge of the box.
    assert text.replace(" ", "") in "".join(result.stderr.replace("│", "").split())


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


def test_a_port_of_another_protocol_is_named() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = diagnose(f"127.0.0.1:{server.server_address[1]}", None)
        server.shutdown()
    assert found is not None
    assert "speaks HTTP, not gRPC" in found.text
    assert "the port of REST" in found.hint


def test_a_name_and_a_port_without_a_server_are_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address, text in (
        (f"localhost:{port}", f"nothing listens at localhost:{port}"),
        ("no.invalid:1", "no.invalid"),
    ):
        found = diagnose(address, None)
        assert found is not None
        assert text in found.text


@pytest.mark.parametrize("address", ["unix:/nowhere", "dns:///localhost:1", "ipv4:127.0.0.1:1"])
def test_nothing_is_said_of_an_address_of_another_form(address: str) -> None:
    assert diagnose(address, None) is None
