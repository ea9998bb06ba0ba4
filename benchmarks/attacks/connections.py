"""Attacks the ports of a server: silent connections, streams without a key, hostile bytes, names and certificates.

    python -m benchmarks.attacks.connections [--checkout FOLDER] [--only TEXT]

Starts servers of a checkout with the fake engine, attacks each, and prints a table with a measured value for each
weakness of a server that everybody can reach. Takes about six minutes.
"""

import argparse
import asyncio
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.attacks import beside, hostile_bytes, raw_http2
from benchmarks.attacks.attacked_server import (
    GENERATE,
    KEY,
    Attacked,
    Figures,
    ask,
    attacked,
    key_file,
    silent,
    still_open,
)
from benchmarks.attacks.listener import Listener
from melisma.v1 import music_pb2, music_pb2_grpc

SILENT = 1_100
WATCHERS = 1_024
FILES = 1_024


def called(server: Attacked, *, keyed: bool = False) -> str:
    """Make one gRPC call (ListEngines) on a new connection, with the API key `KEY` if `keyed`; return its status and
    its duration in milliseconds, as text.
    """
    metadata = (("authorization", f"Bearer {KEY}"),) if keyed else None
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


def silent_grpc(checkout: Path) -> Figures:
    """Open many gRPC connections that send nothing; yield how many stay open, and how long other callers wait."""
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
    """Open many HTTP connections that send nothing or half of the headers, to a server with a low limit of open files.

    Yields the number of connections that stay open, and the responses that other callers get.
    """
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


def watchers(checkout: Path) -> Figures:
    """Open many health streams (Watch) without an API key on few connections; yield the number that stay open, and the
    responses that a caller with a key then gets.
    """
    with tempfile.TemporaryDirectory() as folder, attacked(checkout, API_KEYS=key_file(folder)) as server:
        with Listener(server, keyed=True) as listener:
            yield from asyncio.run(_watching(server))
        yield "watches: longest silence of a listener beside", listener
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


ATTACKS = (silent_grpc, silent_http, watchers, *beside.ATTACKS, *hostile_bytes.ATTACKS)


def main() -> None:
    """Command line: run the attacks and print the measured values of each."""
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
