"""Attacks by the content of requests: invalid text, foreign host names, bodies that are not read, missing
certificates.
"""

import http.client
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import trustme

from benchmarks.attacks import raw_http2
from benchmarks.attacks.attacked_server import GENERATE, Attacked, Figures, ask, attacked, key_file
from melisma.v1 import music_pb2

MEBIBYTE = 1 << 20


def logs(checkout: Path) -> Figures:
    """Yield the number of bytes that the server logs for one megabyte of each kind of hostile bytes."""
    with tempfile.TemporaryDirectory() as folder, attacked(checkout, API_KEYS=key_file(folder)) as server:
        for what, attack in _LOG_ATTACKS.items():
            before = server.log_bytes()
            attack(server)
            time.sleep(2)
            yield f"1 MB of {what}: bytes of log", server.log_bytes() - before


def _hostile_metadata(server: Attacked) -> None:
    _poured(server.grpc, raw_http2.hostile_calls(b"/melisma.v1.MusicService/ListEngines", MEBIBYTE), greeted=True)


def _poured(address: tuple[str, int], data: bytes, *, greeted: bool = False) -> None:
    connection = raw_http2.connect(address) if greeted else socket.create_connection(address, timeout=5)
    connection.settimeout(10)
    threading.Thread(target=_drained, args=(connection,), daemon=True).start()
    with suppress(OSError):
        connection.sendall(data)
    time.sleep(1)
    connection.close()


def _drained(connection: socket.socket) -> None:
    try:
        while connection.recv(1 << 16):
            pass
    except OSError:
        pass


def _many(address: tuple[str, int], data: bytes) -> None:
    for _ in range(MEBIBYTE // len(data)):
        try:
            with socket.create_connection(address, timeout=5) as connection:
                connection.sendall(data)
                connection.settimeout(0.05)
                connection.recv(1024)
        except OSError:
            continue


def _refused_calls(server: Attacked) -> None:
    calls = b"".join(raw_http2.call(2 * n + 1, b"/melisma.v1.MusicService/ListEngines") for n in range(MEBIBYTE // 110))
    _poured(server.grpc, calls, greeted=True)


_TRACED = b"GET /v1/engines HTTP/1.1\r\nHost: localhost\r\ntraceparent: 00-%s\r\n\r\n" % (b"\xe9" * 120)
_LOG_ATTACKS: dict[str, Callable[[Attacked], None]] = {
    "metadata that is no text, gRPC": _hostile_metadata,
    "calls without a key, gRPC": _refused_calls,
    "random bytes, gRPC": lambda server: _many(server.grpc, bytes(range(256)) * 4),
    "random bytes, HTTP": lambda server: _many(server.http, bytes(range(255, 0, -1)) * 4),
    "short bad requests, HTTP": lambda server: _many(server.http, b"\x00 HTTP/1.1\r\n\r\n" * 20),
    "upgrades, HTTP": lambda server: _many(
        server.http, b"GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" * 20
    ),
    "calls without a key, HTTP": lambda server: _poured(
        server.http, b"GET /v1/engines HTTP/1.1\r\nHost: localhost\r\n\r\n" * (MEBIBYTE // 45)
    ),
    "bad trace headers, HTTP": lambda server: _poured(server.http, _TRACED * (MEBIBYTE // len(_TRACED))),
}


def listeners_that_die(checkout: Path) -> Figures:
    """Reset the sockets of four listeners, and yield the number of error lines in the server's log."""
    with attacked(checkout) as server:
        before = _errors(server)
        for _ in range(4):
            connection = raw_http2.connect(server.grpc)
            message = music_pb2.GenerateRequest(prompt="x", duration_seconds=240).SerializeToString()
            connection.sendall(raw_http2.call(1, b"/melisma.v1.MusicService/Generate"))
            connection.sendall(raw_http2.frame(0, 1, 1, b"\0" + len(message).to_bytes(4, "big") + message))
            time.sleep(0.3)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        time.sleep(2)
        yield (
            "4 listeners whose sockets die: lines of error",
            server.log.read_text("utf-8").count('"level": "error"') - before,
        )


def _errors(server: Attacked) -> int:
    return server.log.read_text("utf-8").count('"level": "error"')


def names_and_bodies(checkout: Path) -> Figures:
    """Send foreign host names and origins, contradicting headers, and bodies after a refusal; yield the responses."""
    song = '{"prompt": "x", "duration": 10}'
    with attacked(checkout) as server:
        yield "POST with Host: evil.example", ask(server.http, "POST", GENERATE, song, Host="evil.example")
        yield "GET with Host: evil.example", ask(server.http, "GET", "/v1/audio/music", Host="evil.example")
        evil = "http://evil.example"
        yield "POST of a page of evil.example", ask(server.http, "POST", GENERATE, song, Origin=evil)
        connection = http.client.HTTPConnection(*server.http, timeout=5)
        connection.request("GET", "/v1/audio/music/nothing")
        yield "JSON has nosniff", connection.getresponse().getheader("X-Content-Type-Options")
        yield "CL+TE and another request: answers", _answers(server.http)
        yield "bytes of body read after 415, in 5 s", f"{_read_after_refusal(server.http):,}"


def _answers(address: tuple[str, int]) -> int:
    with socket.create_connection(address, timeout=3) as connection:
        both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        connection.sendall(b"POST /v1/none HTTP/1.1\r\nHost: localhost\r\n" + both)
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        try:
            while piece := connection.recv(4096):
                received += piece
        except OSError:
            pass
    return received.count(b"HTTP/1.1 ")


def _read_after_refusal(address: tuple[str, int]) -> int:
    sent, end = 0, time.monotonic() + 5
    with socket.create_connection(address, timeout=2) as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n" % GENERATE.encode())
        connection.sendall(b"Content-Length: 99999999999\r\n\r\n")
        try:
            while time.monotonic() < end:
                sent += connection.send(bytes(1 << 16))
        except OSError:
            pass
    return sent


def mutual_tls(checkout: Path) -> Figures:
    """Call the HTTP port of a server that requires client certificates, with and without one; yield the responses."""
    with tempfile.TemporaryDirectory() as folder:
        place, ours = Path(folder), trustme.CA()
        ours.cert_pem.write_to_path(place / "ca.pem")
        for name in ("server", "client"):
            leaf = ours.issue_cert("127.0.0.1")
            leaf.cert_chain_pems[0].write_to_path(place / f"{name}.pem")
            leaf.private_key_pem.write_to_path(place / f"{name}.key")
        files = {f"TLS__{kind}": str(place / name) for kind, name in _TLS_FILES.items()}
        with attacked(checkout, None, **files) as server:
            song = '{"prompt": "x", "duration": 10}'
            yield "mutual TLS: a song over plain HTTP", ask(server.http, "POST", GENERATE, song)
            yield "mutual TLS: HTTPS without a certificate", _https(server.http, place, certified=False)
            yield "mutual TLS: HTTPS with a certificate", _https(server.http, place, certified=True)


_TLS_FILES = {"CERTIFICATE": "server.pem", "KEY": "server.key", "CLIENT_CA": "ca.pem"}


def _https(address: tuple[str, int], place: Path, *, certified: bool) -> str:
    context = ssl.create_default_context(cafile=place / "ca.pem")
    if certified:
        context.load_cert_chain(place / "client.pem", place / "client.key")
    connection = http.client.HTTPSConnection(*address, timeout=5, context=context)
    try:
        connection.request("GET", "/v1/engines")
        return str(connection.getresponse().status)
    except OSError as error:
        return type(error).__name__


ATTACKS = (logs, listeners_that_die, names_and_bodies, mutual_tls)
