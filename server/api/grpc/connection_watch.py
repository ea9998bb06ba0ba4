"""Limits the number of gRPC connections per peer; gRPC itself limits only their total number.

gRPC gives no access to its connections. But connections are sockets of this process, which Linux lists, and a socket
that is shut down by this module ends as if its peer had closed it.
"""

import asyncio
import logging
import os
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from server.api.peers import plain_address
from server.api.proxies import TrustedProxies

LOOK_SECONDS = 0.5
CROWDED_RATIO = 0.75
"""Share of the connection limit above which connections without a request are closed, whatever their peer."""
SILENT_BYTES = 64
"""Largest number of bytes received on a connection without a request: those of the HTTP/2 preface."""

logger = logging.getLogger(__name__)

_OWN_FILES = Path("/proc/self/fd")
_TCP_INFO_BYTES = 192
_RECEIVED_OFFSET = 128
"""Byte offset of the field `tcpi_bytes_received` in `struct tcp_info` of Linux 4.1 and newer; the first byte is
`tcpi_state`."""
_ESTABLISHED = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """One open connection as seen at the last check: file descriptor, peer, the peer's port, and the number of bytes
    received.
    """

    file: int
    peer: str
    peer_port: int
    received_bytes: int

    @property
    def name(self) -> tuple[str, int]:
        """The address and port of the peer, which identify the connection."""
        return self.peer, self.peer_port


@dataclass
class ConnectionWatch:
    """Checks the connections of one port periodically, and closes some if there are too many.

    The limits are `peer_count` connections of one peer and `count` in total. `closed` counts the closed connections.
    Connections are closed if a peer has more than its limit, or if more than three quarters of `count` are open: first
    those without a request, oldest first, then the others, newest first.
    """

    port: int
    count: int
    peer_count: int
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    closed: int = 0
    _known: dict[tuple[str, int], int] = field(default_factory=dict)
    _look: int = 0

    async def run(self) -> None:
        """Check the connections periodically, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self._may_be_crowded():
                    await asyncio.to_thread(self.look)
            except OSError as error:
                logger.warning(
                    "the open gRPC connections could not be listed, so idle ones are not closed now; the server tries "
                    "again: %s",
                    error,
                )

    def _may_be_crowded(self) -> bool:
        """Return True if the process has more open files than the smaller of the two limits: a cheap check before
        connections are listed.
        """
        return sum(1 for _ in _OWN_FILES.iterdir()) > min(self.peer_count, self.count * CROWDED_RATIO)

    def look(self) -> int:
        """Check all connections of the port once: close those above the limits, and return the number of closed
        ones.
        """
        self._look += 1
        seen = list(connections_of(self.port))
        self._known = {one.name: self._known.get(one.name, self._look) for one in seen}
        closed = sum(_shut_down(one) for one in self._too_many(seen))
        self.closed += closed
        return closed

    def _too_many(self, seen: Iterable[Seen]) -> list[Seen]:
        of_peer: dict[str, list[Seen]] = defaultdict(list)
        for one in sorted(seen, key=self._worth):
            of_peer[one.peer].append(one)
        chosen: list[Seen] = []
        for peer, own in of_peer.items():
            if not self.proxies.trusts(peer):
                chosen += own[: max(0, len(own) - self.peer_count)]
        return chosen + self._silent(of_peer, {one.name for one in chosen})

    def _silent(self, of_peer: dict[str, list[Seen]], chosen: set[tuple[str, int]]) -> list[Seen]:
        """Return the connections to close because too many are open in total: those that have sent no request and were
        open at the previous check already.

        Connections in `chosen` are left out. The list is empty up to three quarters of the limit `count`; the peer with
        the most connections comes first.
        """
        left = [one for own in of_peer.values() for one in own if one.name not in chosen]
        excess = len(left) - int(self.count * CROWDED_RATIO)
        if excess <= 0:
            return []
        sizes = Counter(one.peer for one in left)
        silent = [one for one in left if one.received_bytes <= SILENT_BYTES and self._known[one.name] < self._look]
        return sorted(silent, key=lambda one: (-sizes[one.peer], *self._worth(one)))[:excess]

    def _worth(self, one: Seen) -> tuple[int, int]:
        """Return the sort key of a connection; connections with the smallest key are closed first: those without a
        request, oldest first, then the others, newest first.
        """
        known = self._known[one.name]
        return (0, known) if one.received_bytes <= SILENT_BYTES else (1, -known)


def connections_of(port: int) -> Iterator[Seen]:
    """Yield the open connections of this process whose local port is `port`."""
    for path in list(_OWN_FILES.iterdir()):
        try:
            if str(path.readlink()).startswith("socket:"):
                with _borrowed(int(path.name)) as connection:
                    if (seen := _seen(int(path.name), connection, port)) is not None:
                        yield seen
        except OSError:
            continue  # closed meanwhile, or not a connection


@contextmanager
def _borrowed(file: int) -> Iterator[socket.socket]:
    """Context manager for a duplicate of the socket with the file descriptor `file`; closing the duplicate leaves the
    socket open.
    """
    with socket.socket(fileno=os.dup(file)) as connection:
        yield connection


def _seen(file: int, connection: socket.socket, port: int) -> Seen | None:
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or connection.getsockname()[1] != port:
        return None
    peer = connection.getpeername()
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    if info[0] != _ESTABLISHED:
        return None
    (received,) = struct.unpack_from("Q", info, _RECEIVED_OFFSET)
    return Seen(file, plain_address(peer[0]), peer[1], received)


def _shut_down(one: Seen) -> bool:
    """Shut a connection down; return False if its file descriptor now belongs to another file."""
    try:
        with _borrowed(one.file) as connection:
            peer = connection.getpeername()
            if (plain_address(peer[0]), peer[1]) != one.name:
                return False
            connection.shutdown(socket.SHUT_RDWR)
            return True
    except OSError:
        return False
