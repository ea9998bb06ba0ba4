"""Tests of HTTP connections over real sockets: slow clients, and too many connections."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.api.http.acceptor import Timeouts
from server.api.http.http_connection import LINGER_BYTES
from server.api.http.operations import application
from server.api.http.server import HttpPort, serving_http
from server.api.peer_slots import PeerSlots

QUICK = Timeouts(handshake=0.3, idle=0.4)
REQUEST = b"GET /ask HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _ask(_: Request) -> Response:
    return PlainTextResponse("told")


async def _slow(_: Request) -> Response:
    await asyncio.sleep(1.0)
    return PlainTextResponse("slow")


@asynccontextmanager
async def port(
    timeouts: Timeouts = QUICK, count: int = 8, peer_count: int = 8, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    routes = [Route("/ask", _ask, methods=["GET", "POST"]), Route("/slow", _slow)]
    limits = HttpPort(PeerSlots(count, peer_count), timeouts, 4096, lambda: context)
    async with serving_http(application(routes), "127.0.0.1", 0, limits) as address:
        host, _, number = address.rpartition(":")
        yield host, int(number)


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return the bytes that arrive until the connection ends; fails after 3 s."""
    data = b""
    async with asyncio.timeout(3.0):
        try:
            while piece := await reader.read(1 << 16):
                data += piece
        except ConnectionError:
            pass
    return data


@pytest.mark.parametrize("pieces", [[], [b"GET /ask HTTP/1.1\r\n"], [b"G"] * 20, [REQUEST, b"GET /ask HT"]])
async def test_who_sends_no_whole_header_in_time_is_left(pieces: list[bytes]) -> None:
    async with port() as address:
        reader, writer = await asyncio.open_connection(*address)
        began = asyncio.get_running_loop().time()
        sending = asyncio.create_task(_drip(writer, pieces))
        await until_closed(reader)
        assert asyncio.get_running_loop().time() - began < 1.0
        sending.cancel()
        writer.close()


async def _drip(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.1)


async def test_who_asks_nothing_more_is_left_and_a_slow_answer_is_waited_for() -> None:
    async with port() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await until_closed(reader)).endswith(b"slow")
        writer.close()


async def test_a_connection_is_used_again_and_again() -> None:
    async with port() as address:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(6):
            await asyncio.sleep(0.1)
            writer.write(REQUEST)
            assert (await reader.readuntil(b"told")).startswith(b"HTTP/1.1 200")
        writer.write(REQUEST * 5)
        for _ in range(5):
            await reader.readuntil(b"told")
        writer.close()


async def test_silent_connections_lock_nobody_out() -> None:
    async with port(Timeouts(), count=4, peer_count=3) as address:
        silent = [await asyncio.open_connection(*address) for _ in range(20)]
        reader, writer = await asyncio.open_connection(*address)
        writer.write(REQUEST)
        assert await asyncio.wait_for(reader.readuntil(b"told"), 3.0)
        closed = [await asyncio.wait_for(one.read(1), 3.0) for one, _ in silent[:-3]]
        assert closed == [b""] * 17
        for _, one in (*silent, (reader, writer)):
            one.close()


async def test_a_body_that_nobody_reads_ends_its_connection() -> None:
    async with port() as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        async with asyncio.timeout(3.0):
            assert await _poured(writer) < 8 * LINGER_BYTES
        writer.close()


async def _poured(writer: asyncio.StreamWriter) -> int:
    """Write zeros to a connection until its other end closes it, and return the number of bytes written."""
    sent = 0
    try:
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent += 1 << 16
    except ConnectionError:
        return sent


async def test_a_body_that_nobody_reads_and_that_ends_leaves_its_connection() -> None:
    async with port() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + bytes(300_000))
        await reader.readuntil(b"told")
        writer.write(REQUEST)
        await asyncio.wait_for(reader.readuntil(b"told"), 3.0)
        writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"POST /ask HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /ask HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        b"GET /ask HTTP/1.1\r\nHost: x\r\nlong: " + b"x" * 8192 + b"\r\n\r\n",
    ],
)
async def test_what_can_be_read_in_two_ways_ends_its_connection(head: bytes) -> None:
    async with port() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head + REQUEST)
        told = await until_closed(reader)
        assert told.startswith(b"HTTP/1.1 400")
        assert told.count(b"HTTP/1.1 ") == 1
        assert b"application/problem+json" in told
        writer.close()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 404"),
    ],
    ids=["an answer without a body", "an answer that is given already"],
)
async def test_what_cannot_be_answered_ends_its_connection_without_an_error(
    sent: bytes, told: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with port() as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(told)
        writer.write(b"no chunk\r\n")
        await until_closed(reader)
        writer.close()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_process_without_a_free_file_says_so_now_and_then_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loop, tries = asyncio.get_running_loop(), 0
    accept = loop.sock_accept

    async def out_of_files(listener: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", out_of_files)
    async with port(Timeouts()) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(REQUEST)
        assert await asyncio.wait_for(reader.readuntil(b"told"), 5.0)
        writer.close()
    assert caplog.text.count("the HTTP port cannot accept connections now") == 3


@pytest.mark.parametrize("greeting", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"])
async def test_connections_that_never_agree_on_tls_give_way_and_end(greeting: bytes) -> None:
    authority, server, client = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with port(Timeouts(handshake=0.5), peer_count=3, context=server) as address:
        silent = [await asyncio.open_connection(*address) for _ in range(10)]
        for _, writer in silent:
            writer.write(greeting)
        reader, writer = await asyncio.open_connection(*address, ssl=client)
        writer.write(REQUEST)
        assert await asyncio.wait_for(reader.readuntil(b"told"), 3.0)
        for silent_reader, silent_writer in silent:
            await until_closed(silent_reader)
            silent_writer.close()
        writer.close()
