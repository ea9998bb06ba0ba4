"""Serves an HTTP application on the event loop of the process, and leaves its signals alone."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import Buffer, override
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.api.address import PortUnavailable, shown

_STOP_SECONDS = 1
_READ_BYTES = 4 << 10
_HEADER_BYTES = 16 << 10
"""As much as the metadata of a gRPC call may have."""


class _Protocol(H11Protocol, asyncio.BufferedProtocol):
    """HTTP/1.1 that takes little at a time from its connection: each byte may be a chunk of a body, and costs time."""

    @override
    def get_buffer(self, sizehint: int) -> Buffer:
        self._buffer = bytearray(_READ_BYTES)
        return self._buffer

    @override
    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._buffer[:nbytes]))


class _Server(uvicorn.Server):
    """A server that other code stops; the signals of the process stay with their handlers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


@asynccontextmanager
async def serving_http(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Answer HTTP on this event loop, to the bound "host:port"; port 0 takes a free one.

    Raises:
        PortUnavailable: the address is taken or is not one of this machine.
    """
    listener = _listen(host, port)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    server = _Server(_configuration(app))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    serving.add_done_callback(lambda _: server.accepting.set())
    try:
        await server.accepting.wait()
        if serving.done():
            await serving  # raises the error of the startup
        yield shown(host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving


def _configuration(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _is_news(record: logging.LogRecord) -> bool:
    """A song that ends early breaks its answers off on purpose, and says so itself (server/api/rest/endpoint.py)."""
    return "without completing response" not in record.getMessage()


def _listen(host: str, port: int) -> socket.socket:
    # uvicorn would end the process where the address is taken.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortUnavailable(host, port) from error
    # asyncio does so for sockets that it makes itself. Else every answer waits 40 ms for its head to be acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
