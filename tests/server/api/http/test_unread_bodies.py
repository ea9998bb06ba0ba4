"""Tests that the server reads only a limited part of a request body that it refuses, and closes the connection."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.api.http.http_connection import LINGER_BYTES
from server.api.http.server import serving_http

LONGEST_SECONDS = 20.0
CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
BUFFERS = 8 << 20
"""More bytes than the socket buffers of a connection can hold."""


async def _reading(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _refusing(_: Request) -> Response:
    return PlainTextResponse("no", 415)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Context manager with a connection to a server that reads the body of a request to /read, and none of one to
    /refuse.
    """
    routes = [
        Route("/read", _reading, methods=["GET", "POST"]),
        Route("/refuse", _refusing, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes)
    async with serving_http(app, "127.0.0.1", 0) as address, asyncio.timeout(LONGEST_SECONDS):
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield reader, writer
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode().lower()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/refuse", "/nowhere"])
async def test_an_endless_body_is_not_read_for_ever(method: str, path: str) -> None:
    async with connected() as (_, writer):
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        with suppress(ConnectionError):
            while sent < 1 << 30:
                writer.write(CHUNK)
                await writer.drain()
                sent += len(CHUNK)
        assert sent < LINGER_BYTES + BUFFERS


async def test_a_slow_body_that_nobody_reads_is_waited_for_a_second() -> None:
    async with connected() as (reader, writer):
        started = time.monotonic()
        writer.write(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        head = await _head(reader)
        assert "415" in head
        assert await reader.read() == b"no"
        assert time.monotonic() - started < LONGEST_SECONDS / 2


async def test_a_client_that_waits_for_leave_is_answered_at_once() -> None:
    async with connected() as (reader, writer):
        writer.write(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
        head = await _head(reader)
        assert head.startswith("http/1.1 415")


@pytest.mark.parametrize(
    ("request_text", "stays"),
    [
        pytest.param("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", True, id="short and complete"),
        pytest.param("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", True, id="read"),
        pytest.param("GET /refuse HTTP/1.1\r\nHost: x\r\n\r\n", True, id="no body"),
        pytest.param(
            "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n0\r\n\r\n",
            False,
            id="a length told twice",
        ),
    ],
)
async def test_a_connection_stays_where_nothing_is_left_on_it(request_text: str, stays: bool) -> None:
    async with connected() as (reader, writer):
        writer.write(request_text.encode())
        head = await _head(reader)
        assert ("connection: close" not in head) is stays


async def test_a_body_in_chunks_of_a_byte_leaves_others_their_turn() -> None:
    async with connected() as (reader, writer):
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        writer.write(b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        ticking = asyncio.create_task(tick())
        writer.write(b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
        head = await _head(reader)
        ticking.cancel()
        assert "200" in head
        assert ticks > 20_000 * 6 / 4096  # the loop turned at least once for every read of 4 KiB
