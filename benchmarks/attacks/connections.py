"""Attacks on the ports: silent connections, streams without a key, hostile bytes, names and certificates.

    python -m benchmarks.attacks.connections [--checkout FOLDER] [--only TEXT]

Starts servers of a checkout with the fake engine, attacks each, and prints a table of fault and figure. The faults are
those of a service that anybody may reach; nothing is asserted. Takes about four minutes.
"""

import argparse
import asyncio
import hashlib
import http.client
import json
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.attacks import raw_http2
from benchmarks.attacks.attacked_server import KEY, Attacked, attacked, silent, still_open
from melisma.v1 import music_pb2, music_pb2_grpc

SILENT = 1_100
WATCHERS = 1_024
FILES = 1_024
MEBIBYTE = 1 << 20
JSON = {"Content-Type": "application/json"}
GENERATE = "/v1/audio/music/generate"
Figures = Iterator[tuple[str, object]]


def ask(address: tuple[str, int], method: str, path: str, body: str | None = None, **headers: str) -> str:
    """Status and milliseconds of one answer; names of headers with _ for -."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, given | (JSON if body else {}))
        status = str(connection.getresponse().status)
    except OSError as error:
        status = type(error).__name__
    finally:
        connection.close()
    return f"{status} after {1000 * (time.monotonic() - began):.0f} ms"


def called(server: Attacked, *, keyed: bool = False) -> str:
    """How a call on a connection of its own ends, and after how many milliseconds."""
    metadata = [("authorization", f"Bearer {KEY}")] if keyed else []
    began = time.monotonic()
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(server.target, options) as channel:
        stub = music_pb2_grpc.MusicServiceStub(channel)
        try:
            stub.ListEngines(music_pb2.ListEnginesRequest(), timeout=10, metadata=metadata, wait_for_ready=True)
            ending = "OK"
        except grpc.RpcError as error:
            ending = f"{error.code().name} {error.details()}"
    return f"{ending} after {1000 * (time.monotonic() - began):.0f} ms"


class Listener:
    """Songs that are heard one after the other on a connection of their own, and the longest silence between chunks."""

    def __init__(self, server: Attacked) -> None:
        self.longest_seconds, self.songs, self.failed = 0.0, 0, 0
        self._ended = threading.Event()
        self._server = server
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> "Listener":
        self._thread.start()
        time.sleep(1.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _listen(self) -> None:
        with grpc.insecure_channel(self._server.target) as channel:
            stub = music_pb2_grpc.MusicServiceStub(channel)
            while not self._ended.is_set():
                heard_at = time.monotonic()
                try:
                    request = music_pb2.GenerateRequest(prompt="x", duration_seconds=60)
                    for _ in stub.Generate(request, timeout=60):
                        self.longest_seconds = max(self.longest_seconds, time.monotonic() - heard_at)
                        heard_at = time.monotonic()
                    self.songs += 1
                except grpc.RpcError:
                    self.failed += 1

    def __str__(self) -> str:
        return f"{self.longest_seconds:.2f} s ({self.songs} songs, {self.failed} failed)"


def silent_grpc(checkout: Path) -> Figures:
    """Connections to gRPC that never say a word."""
    with attacked(checkout) as server, Listener(server) as listener:
        connections = silent(server.grpc, SILENT)
        yield f"gRPC: {len(connections)} silent connections: a new caller", called(server)
        yield "gRPC: silent connections open after 2 s", _open_after(connections, 2)
        yield "gRPC: the same after 15 s", _open_after(connections, 13)
        yield "gRPC: longest silence of a listener beside", listener
        greeted = silent(server.grpc, SILENT, raw_http2.PREFACE + raw_http2.SETTINGS + raw_http2.ACKNOWLEDGED)
        yield f"gRPC: {len(greeted)} connections without a call: a new caller", called(server)
        yield "gRPC: the same after 2 s", called(server)


def silent_http(checkout: Path) -> Figures:
    """Connections to HTTP that send nothing, or half a header, to a server that may open few files."""
    with attacked(checkout, files=FILES) as server, Listener(server) as listener:
        for data, what in ((b"", "silent"), (b"GET / HTTP/1.1\r\nHost: x\r\n", "half a header")):
            connections = silent(server.http, SILENT, data)
            yield f"HTTP: {len(connections)} connections, {what}: /readyz", ask(server.http, "GET", "/readyz")
            yield "HTTP: gRPC beside", called(server)
            yield "HTTP: a song beside", ask(server.http, "POST", GENERATE, '{"prompt": "x", "duration": 10}')
            worker = server.workers()[0].pid
            server.workers()[0].kill()
            time.sleep(6)
            yield "HTTP: a killed worker is replaced", [one.pid for one in server.workers()] not in ([], [worker])
            yield "HTTP: open after 15 s", _open_after(connections, 9)
            for connection in connections:
                connection.close()
            time.sleep(1)
        yield "HTTP: longest silence of a listener beside", listener
        yield "HTTP: bytes of log", server.log_bytes()


def _open_after(connections: list[socket.socket], seconds: float) -> int:
    time.sleep(seconds)
    return still_open(connections)


def _key_file(folder: str) -> str:
    path = Path(folder) / "keys.json"
    path.write_text(json.dumps({"keys": [{"name": "games", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}]}))
    path.chmod(0o600)
    return str(path)


def watchers(checkout: Path) -> Figures:
    """Streams without a key, on few connections: do they lock callers with a key out?"""
    with tempfile.TemporaryDirectory() as folder, attacked(checkout, API_KEYS=_key_file(folder)) as server:
        yield from asyncio.run(_watching(server))
        connections = [raw_http2.connect(server.grpc) for _ in range(5)]
        for connection in connections:
            connection.sendall(b"".join(raw_http2.call(2 * n + 1, b"/grpc.health.v1.Health/Check") for n in range(205)))
        time.sleep(1)
        yield "1,025 calls without key and message: a keyed call", called(server, keyed=True)


async def _watching(server: Attacked) -> list[tuple[str, object]]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(server.target, options) for _ in range(5)]
    stubs: list[Any] = [health_pb2_grpc.HealthStub(channel) for channel in channels]
    watches = [stubs[n % 5].Watch(health_pb2.HealthCheckRequest()) for n in range(WATCHERS)]
    first = await asyncio.gather(*(asyncio.wait_for(_first(watch), 20) for watch in watches))
    keyed = await asyncio.to_thread(called, server, keyed=True)
    check = await asyncio.gather(_check(server), return_exceptions=True)
    for channel in channels:
        await channel.close()
    return [
        (f"{WATCHERS} watches without a key: open", sum(first)),
        ("watches: a keyed call beside", keyed),
        ("watches: Health/Check beside", check[0]),
    ]


async def _first(watch: Any) -> bool:
    try:
        return await watch.read() is not grpc.aio.EOF
    except grpc.aio.AioRpcError:
        return False


async def _check(server: Attacked) -> str:
    async with grpc.aio.insecure_channel(server.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            return str((await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)).status)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name} {error.details()}"


def logs(checkout: Path) -> Figures:
    """Bytes of log for a mebibyte of hostile bytes."""
    with tempfile.TemporaryDirectory() as folder, attacked(checkout, API_KEYS=_key_file(folder)) as server:
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
    """Lines of error for listeners whose sockets die."""
    with attacked(checkout) as server, Listener(server) as listener:
        del listener
        before = server.log.read_text("utf-8").count('"level": "error"')
        for _ in range(4):
            connection = raw_http2.connect(server.grpc)
            message = music_pb2.GenerateRequest(prompt="x", duration_seconds=240).SerializeToString()
            connection.sendall(raw_http2.call(1, b"/melisma.v1.MusicService/Generate"))
            connection.sendall(raw_http2.frame(0, 1, 1, b"\0" + len(message).to_bytes(4, "big") + message))
            time.sleep(0.3)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        time.sleep(2)
        yield "4 listeners whose sockets die: lines of error", server.log.read_text("utf-8").count('"level": "error"') - before


def names_and_bodies(checkout: Path) -> Figures:
    """Hosts, origins, bodies that nobody reads, and headers that contradict each other."""
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
    """What the HTTP port does where gRPC asks for certificates."""
    with tempfile.TemporaryDirectory() as folder:
        place, ours = Path(folder), trustme.CA()
        ours.cert_pem.write_to_path(place / "ca.pem")
        for name in ("server", "client"):
            leaf = ours.issue_cert("127.0.0.1")
            leaf.cert_chain_pems[0].write_to_path(place / f"{name}.pem")
            leaf.private_key_pem.write_to_path(place / f"{name}.key")
        files = {f"TLS__{kind}": str(place / name) for kind, name in _TLS_FILES.items()}
        with attacked(checkout, **files) as server:
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


ATTACKS = (silent_grpc, silent_http, watchers, logs, listeners_that_die, names_and_bodies, mutual_tls)


def main() -> None:
    """Run the attacks and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=Path.cwd(), help="folder of the checkout that is attacked")
    parser.add_argument("--only", default="", help="run attacks whose name has this in it")
    given = parser.parse_args()
    for attack in ATTACKS:
        if given.only in attack.__name__:
            for what, figure in attack(given.checkout.resolve()):
                print(f"| {what} | {figure} |", flush=True)


if __name__ == "__main__":
    main()
