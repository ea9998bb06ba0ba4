"""Serves an HTTP application on the event loop of the process, without installing signal handlers."""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from server.api.address import PortUnavailable, shown
from server.api.http.acceptor import Acceptor, Timeouts
from server.api.http.http_connection import HttpConnection
from server.api.peer_slots import PeerSlot, PeerSlots

_STOP_SECONDS = 1
_LIMIT = 1024
_CLOSING_SECONDS = 5.0
"""Seconds after the end of a call until the connection of a client that reads nothing is closed."""
_UNSENT_BYTES = 128 << 10
"""Most bytes of a response that may wait in the operating system's send buffer, in addition to those in flight."""


@dataclass(frozen=True)
class HttpPort:
    """The limits of an HTTP port's connections; `context` returns the current TLS context, and is `None` without TLS.

    The connection of a client that reads nothing is closed soon after `stall_seconds`, and unsent data is dropped.
    """

    connections: PeerSlots = field(default_factory=lambda: PeerSlots(_LIMIT, _LIMIT))
    timeouts: Timeouts = field(default_factory=Timeouts)
    header_bytes: int = 16 << 10
    context: Callable[[], ssl.SSLContext | None] = lambda: None
    stall_seconds: float = 300.0


class _Server(uvicorn.Server):
    """A uvicorn server without signal handlers and without sockets of its own: the acceptor passes connections to it,
    and `serving_http` stops it.
    """

    def __init__(self, config: uvicorn.Config, port: HttpPort) -> None:
        super().__init__(config)
        self._port = port
        self.started_serving = asyncio.Event()

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        self.servers = []
        self.started = True
        self.started_serving.set()

    def connection(self, held: PeerSlot) -> asyncio.Protocol:
        """Return a new protocol object (HTTP connection) for an accepted connection; `held` is the connection's
        slot.
        """
        return HttpConnection(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            held=held,
            connections=self._port.connections,
            header_seconds=self._port.timeouts.handshake,
        )


@asynccontextmanager
async def serving_http(app: ASGIApp, host: str, number: int, port: HttpPort | None = None) -> AsyncIterator[str]:
    """Context manager that serves an HTTP application on this event loop, and yields the bound "host:port". `number` is
    the port to listen on, 0 for any free port; `port` has the limits of its connections.

    Raises:
        PortUnavailable: the address is in use, or does not belong to this computer.
    """
    port = port or HttpPort()
    listener = _listen(host, number, port.stall_seconds)
    bound = listener.getsockname()[1]
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    server = _Server(_configuration(app, port), port)
    serving = asyncio.create_task(server.serve())
    serving.add_done_callback(lambda _: server.started_serving.set())
    acceptor = Acceptor(listener, port.connections, server.connection, port.context, port.timeouts)
    try:
        await server.started_serving.wait()
        if serving.done():
            await serving  # raises the error with which the start failed
        async with acceptor.running():
            yield shown(host, bound)
    finally:
        listener.close()
        server.should_exit = True
        await serving


def _configuration(app: ASGIApp, port: HttpPort) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # server/api/proxies.py reads these headers
        server_header=False,
        date_header=False,
        timeout_keep_alive=port.timeouts.idle,  # type: ignore[arg-type]  # uvicorn passes the value to call_later, which accepts a float
        h11_max_incomplete_event_size=port.header_bytes,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _is_news(record: logging.LogRecord) -> bool:
    """Log filter: return False for uvicorn's line about a response that was ended early on purpose, which endpoint.py
    logs itself.
    """
    return "without completing response" not in record.getMessage()


def _listen(host: str, port: int, stall_seconds: float) -> socket.socket:
    # uvicorn would end the process if the address is in use.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortUnavailable(host, port) from error
    _bound_unread(listener, stall_seconds)
    return listener


def _bound_unread(listener: socket.socket, stall_seconds: float) -> None:
    """Limit the send buffer of a listening socket, and to `stall_seconds` the time for which data that the client does
    not read is kept.

    Accepted connections inherit both limits. Without them, closing the connection of a client that does not read would
    wait without end.
    """
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    if sys.platform == "linux":
        milliseconds = round(1000 * (stall_seconds + _CLOSING_SECONDS))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
