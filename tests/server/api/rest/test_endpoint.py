"""Tests of responses that are sent in several parts, to clients that stay or disconnect."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry.trace import NoOpTracer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.api.http.server import HttpPort, serving_http
from server.api.open_calls import OpenCalls
from server.api.proxies import TrustedProxies
from server.api.rest.endpoint import Endpoint, Stream
from server.errors import WorkerLost

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
FLOOD = [bytes(100_000)] * 1000
TIMEOUT_SECONDS = 10.0


class Source:
    """A source of the parts of a response's body: it yields its parts, then ends, raises `error`, or with `hangs` never
    ends; `closed` is set once the server no longer reads it.
    """

    def __init__(self, *pieces: bytes, error: Exception | None = None, hangs: bool = False) -> None:
        self.closed = asyncio.Event()
        self._chunks = pieces
        self._error = error
        self._hangs = hangs

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self._chunks:
                yield piece
            if self._error:
                raise self._error
            if self._hangs:
                await asyncio.Event().wait()
        finally:
            self.closed.set()


@asynccontextmanager
async def asked(
    source: Source, calls: OpenCalls | None = None, stall_seconds: float = 60.0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Context manager with a connection that has requested the response of `source` from a server. `calls` limits the
    open calls; a client that reads nothing for `stall_seconds` is disconnected.
    """

    async def endpoint(_: Request) -> Response:
        return Stream(source.pieces(), 200, {"Content-Type": "text/plain"})

    door: Any = Endpoint("GET /", endpoint, calls, NoOpTracer(), TrustedProxies()) if calls else endpoint
    limits = HttpPort(stall_seconds=stall_seconds)
    async with serving_http(Starlette(routes=[Route("/", door)]), "127.0.0.1", 0, limits) as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(REQUEST)
        try:
            yield reader, writer
        finally:
            writer.close()


def causes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the field `cause` of each log record about a response that was not sent to its end."""
    return [
        vars(record)["cause"]
        for record in caplog.records
        if record.getMessage() == "a REST client did not receive the whole response"
    ]


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def test_a_whole_answer_ends_as_such_and_is_not_news(caplog: pytest.LogCaptureFixture) -> None:
    async with asked(Source(b"one", b"two")) as (reader, _):
        answer = await reader.read()
    assert answer.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert b"content-length" not in answer.lower()
    assert causes(caplog) == []


async def test_an_error_breaks_the_answer_off(caplog: pytest.LogCaptureFixture) -> None:
    async with asked(Source(b"one", error=WorkerLost("gone"))) as (reader, _):
        answer = await reader.read()
    assert answer.endswith(b"3\r\none\r\n")
    assert causes(caplog) == ["WorkerLost"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("pieces", [[b"one"], FLOOD], ids=["silent", "in the middle of a piece"])
async def test_a_client_that_leaves_ends_its_answer(pieces: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    source = Source(*pieces, hangs=True)
    async with asked(source) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        assert not source.closed.is_set()
        writer.close()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await source.closed.wait()
    assert causes(caplog) == ["ClientLeft"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("parts", [False, True], ids=["patience", "drain"])
async def test_a_client_that_reads_nothing_is_let_go_of_and_its_connection_ends(
    parts: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.api.http.server._CLOSING_SECONDS", 0.1)
    monkeypatch.setattr("server.api.open_calls.DRAINING_STALL_SECONDS", 0.3)
    source, calls = Source(*FLOOD), OpenCalls(60.0 if parts else 0.3)
    async with asked(source, calls, stall_seconds=0.3) as (reader, _), asyncio.timeout(TIMEOUT_SECONDS):
        await reader.readuntil(b"\r\n\r\n")
        if parts:
            calls.start_draining()
        await source.closed.wait()
        await calls.none()
        assert causes(caplog) == ["ListenerStalled"]
        await asyncio.sleep(1.5)  # the system ends the connection, and what it held for the client is gone
        with pytest.raises(ConnectionResetError):
            await reader.read()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
