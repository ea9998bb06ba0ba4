"""Serves an HTTP application on the event loop of the process, and leaves its signals alone."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from server.api.address import PortUnavailable, shown

_STOP_SECONDS = 1


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
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # server/api/proxies.py reads them
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
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortUnavailable(host, port) from error
