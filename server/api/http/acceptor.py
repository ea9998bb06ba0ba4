"""Accepts the connections of an HTTP port, counts them, and encrypts them if there are certificates.

asyncio's own servers count connections only after the handshake, cannot replace a certificate, and log a line for each
connection that waits while the process has no free file descriptor (python/cpython#151615).
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.api.peer_slots import PeerSlot, PeerSlots
from server.api.peers import plain_address

BUSY_SECONDS = 0.2
"""Seconds to wait before the next connection is accepted if the process has no free file descriptor."""
_NO_MORE = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_PROBES = 3
_BACKLOG = 2048

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts of a connection, in seconds.

    `handshake` limits the TLS handshake and the headers of each request; `idle` the time between two requests. After
    `probe` seconds of silence the peer is probed (TCP keepalive), and without an answer within `probe_answer` seconds
    the connection is closed.
    """

    handshake: float = 10.0
    idle: float = 120.0
    probe: float = 30.0
    probe_answer: float = 10.0


@dataclass
class Acceptor:
    """Accepts connections on the socket `listener` and serves each with a new object made by `protocol`.

    `connections` limits the number of connections per peer and in total. `context` returns the current TLS context,
    `None` without TLS.
    """

    listener: socket.socket
    connections: PeerSlots
    protocol: Callable[[PeerSlot], asyncio.Protocol]
    context: Callable[[], ssl.SSLContext | None]
    timeouts: Timeouts
    _greeting: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Context manager in which connections are accepted. At its end open connections stay open, and TLS handshakes
        are aborted.
        """
        self.listener.setblocking(False)
        self.listener.listen(_BACKLOG)
        accepting = asyncio.create_task(self._accept())
        try:
            yield
        finally:
            tasks = [accepting, *self._greeting]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            await self._accept_one()
            await asyncio.sleep(0)

    async def _accept_one(self) -> None:
        try:
            connection, address = await asyncio.get_running_loop().sock_accept(self.listener)
        except OSError as error:
            if error.errno in _NO_MORE:
                logger.warning(
                    "the HTTP port cannot accept connections now (%s): raise the limit of open files (ulimit -n)",
                    error.strerror,
                )
                self.connections.make_room()
                await asyncio.sleep(BUSY_SECONDS)
            return
        held = self.connections.admit(plain_address(str(address[0])), connection.close)
        if held is None:
            connection.close()
            return
        task = asyncio.create_task(self._greet(connection, held))
        held.abort = task.cancel
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    async def _greet(self, connection: socket.socket, held: PeerSlot) -> None:
        """Do the TLS handshake, if any, and pass a connection to its protocol. The protocol frees the slot `held` when
        the connection ends.
        """
        context = self.context()
        try:
            self._probe(connection)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self.protocol(held),
                connection,
                ssl=context,
                ssl_handshake_timeout=self.timeouts.handshake if context else None,
                ssl_shutdown_timeout=self.timeouts.probe_answer if context else None,
            )
        except (OSError, asyncio.CancelledError):
            # A failed handshake is the peer's fault, so it is not logged.
            connection.close()
            self.connections.release(held)

    def _probe(self, connection: socket.socket) -> None:
        """Enable TCP keepalive, by which the operating system finds peers that have disappeared without closing the
        connection.
        """
        options = {
            socket.TCP_KEEPIDLE: self.timeouts.probe,
            socket.TCP_KEEPINTVL: self.timeouts.probe_answer / _PROBES,
        }
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, seconds in options.items():
            connection.setsockopt(socket.IPPROTO_TCP, option, max(1, round(seconds)))
