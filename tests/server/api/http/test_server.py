import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.api.address import PortUnavailable
from server.api.http.server import serving_http
from tests.support.http_app import build_http


@asynccontextmanager
async def http() -> AsyncIterator[str]:
    """Context manager with the address of a running HTTP server."""
    async with serving_http(build_http(CollectorRegistry(), readiness_problem=lambda: None), "127.0.0.1", 0) as address:
        yield address


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"127.0.0.1:{port}"):
            async with serving_http(build_http(CollectorRegistry(), readiness_problem=lambda: None), "127.0.0.1", port):
                pass


async def test_leaving_closes_the_port_though_a_client_stays_connected() -> None:
    async with http() as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    await asyncio.wait_for(reader.read(), timeout=10.0)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


async def test_signals_are_left_to_the_server() -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    before = handlers()
    async with http():
        assert handlers() == before


async def test_answers_leave_at_once_on_every_connection() -> None:
    accepted: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        accepted.extend(_options_of_accepted_sockets())
        await PlainTextResponse("here")(scope, receive, send)

    async with serving_http(app, "127.0.0.1", 0) as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.close()
    assert accepted == [1]


def _options_of_accepted_sockets() -> list[int]:
    """Return the socket option TCP_NODELAY of each open connection of this process's HTTP server."""
    protocols = (one for one in gc.get_objects() if issubclass(type(one), H11Protocol))
    transports = [one.transport for one in protocols if one.transport is not None and not one.transport.is_closing()]
    sockets = [transport.get_extra_info("socket") for transport in transports]
    there = [one for one in sockets if one.fileno() >= 0]
    return [bool(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) for one in there]
