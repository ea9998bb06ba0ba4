"""Serves an HTTP application on the event loop of the process, and leaves its signals alone."""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from server.api.address import PortUnavailable, shown

_STOP_SECONDS = 1
_CLOSING_SECONDS = 5.0
"""How much later than the call the connection of a client that reads nothing ends."""
_UNSENT_BYTES = 128 << 10
"""Sound that waits in the system for a client's window, beside what is on its way."""


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
async def serving_http(app: ASGIApp, host: str, port: int, stall_seconds: float = 300.0) -> AsyncIterator[str]:
    """Answer HTTP on this event loop, to the bound "host:port"; port 0 takes a free one.

    The connection of a client that reads nothing ends soon after `stall_seconds`, with whatever still waits for it.

    Raises:
        PortUnavailable: the address is taken or is not one of this machine.
    """
    listener = _listen(host, port, stall_seconds)
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
        http="h11",
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


def _listen(host: str, port: int, stall_seconds: float) -> socket.socket:
    # uvicorn would end the process where the address is taken.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortUnavailable(host, port) from error
    _bound_unread(listener, stall_seconds)
    return listener


def _bound_unread(listener: socket.socket, stall_seconds: float) -> None:
    """Bound what the system keeps for a client that does not read, and for how long; connections inherit it.

    The server lets go of a call after `stall_seconds`; closing a connection would wait for its client for ever.
    """
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    if sys.platform == "linux":
        milliseconds = round(1000 * (stall_seconds + _CLOSING_SECONDS))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
