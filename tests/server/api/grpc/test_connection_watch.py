import ipaddress
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from server.api.grpc.connection_watch import SILENT_BYTES, ConnectionWatch, connections_of
from server.api.proxies import TrustedProxies


class Listener:
    """A listening TCP port of this process, and the connections that it has accepted."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._socket = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port = int(self._socket.getsockname()[1])

    def connect(self, *, says: int = 0, address: str = "127.0.0.1") -> socket.socket:
        """Open a connection from the client address `address`, send `says` zero bytes on it, which this port reads, and
        return the client's socket.
        """
        client = self._stack.enter_context(
            socket.create_connection(("127.0.0.1", self.port), source_address=(address, 0), timeout=5)
        )
        accepted = self._stack.enter_context(self._socket.accept()[0])
        client.sendall(bytes(says))
        if says:
            accepted.recv(says, socket.MSG_WAITALL)
        return client


@contextmanager
def listening() -> Iterator[Listener]:
    with ExitStack() as stack:
        yield Listener(stack)


def ended(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False


def test_connections_of_a_port_are_found_with_what_they_have_said() -> None:
    with listening() as listener, listening() as other:
        clients = [listener.connect(says=says) for says in (0, 1000)]
        other.connect(says=5)
        seen = {(one.peer, one.peer_port): one.received_bytes for one in connections_of(listener.port)}
        assert seen == {client.getsockname(): says for client, says in zip(clients, (0, 1000), strict=True)}


def test_of_a_peer_with_too_many_those_go_that_have_said_nothing() -> None:
    with listening() as listener:
        watch = ConnectionWatch(listener.port, count=100, peer_count=3)
        asking = [listener.connect(says=1000) for _ in range(2)]
        silent = [listener.connect() for _ in range(4)]
        other = listener.connect(address="127.0.0.2")
        assert watch.look() == 3
        assert [ended(one) for one in (*asking, other)] == [False] * 3
        assert sum(map(ended, silent)) == 3


def test_of_a_peer_that_works_with_all_of_them_the_newest_go() -> None:
    with listening() as listener:
        watch = ConnectionWatch(listener.port, count=100, peer_count=2)
        first = [listener.connect(says=1000) for _ in range(2)]
        assert watch.look() == 0
        later = [listener.connect(says=5000) for _ in range(2)]
        assert watch.look() == 2
        assert [ended(one) for one in (*first, *later)] == [False, False, True, True]


@pytest.mark.parametrize(("says", "closed"), [(0, 3), (SILENT_BYTES, 3), (1000, 0)])
def test_where_all_are_many_those_go_that_have_asked_for_nothing(says: int, closed: int) -> None:
    with listening() as listener:
        watch = ConnectionWatch(listener.port, count=4, peer_count=100)
        for _ in range(6):
            listener.connect(says=says)
        assert watch.look() == 0, "a new connection has the time to the next look"
        assert watch.look() == closed
        assert watch.look() == 0


def test_a_trusted_proxy_brings_as_many_as_there_may_be() -> None:
    with listening() as listener:
        trusted = TrustedProxies([ipaddress.ip_network("127.0.0.0/8")])
        watch = ConnectionWatch(listener.port, count=100, peer_count=1, proxies=trusted)
        for _ in range(5):
            listener.connect()
        assert watch.look() == 0
