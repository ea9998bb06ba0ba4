"""A TCP proxy to a server that breaks every connection after a number of bytes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

PIECE_BYTES = 4096


class Cutter:
    """A TCP proxy that listens on `address`; `cuts` counts the connections that it has broken."""

    def __init__(self, target: str | Callable[[], str], limit_bytes: Callable[[], int | None]) -> None:
        """Set up the proxy; `limit_bytes` returns the number of bytes from the server after which the next connection
        is broken, `None` for never.

        `target` is the server's "host:port", or a function that returns that of the next connection, as a balancer
        chooses it.
        """
        self._target = target
        self._limit_bytes = limit_bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts = 0

    def serve(self) -> None:
        """Accept connections until the proxy is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.add(client)
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        host, _, port = (self._target if isinstance(self._target, str) else self._target()).rpartition(":")
        try:
            server = socket.create_connection((host, int(port)))
        except OSError:  # there is no server now: a later connection may find one
            client.close()
            return
        self._open.add(server)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        limit = self._limit_bytes()
        threading.Thread(target=self._pass, args=(client, server, None), daemon=True).start()
        threading.Thread(target=self._pass, args=(server, client, limit), daemon=True).start()

    def close(self) -> None:
        """Stop listening, and close all connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in tuple(self._open):
            one.close()

    def _pass(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        left = limit
        with suppress(OSError):
            while data := source.recv(PIECE_BYTES if left is None else min(PIECE_BYTES, left)):
                sink.sendall(data)
                left = None if left is None else left - len(data)
                if left == 0:
                    self.cuts += 1
                    break
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(target: str | Callable[[], str], limit_bytes: Callable[[], int | None]) -> Iterator[Cutter]:
    """Context manager with a running proxy to `target` that breaks connections."""
    cutter = Cutter(target, limit_bytes)
    thread = threading.Thread(target=cutter.serve, daemon=True)
    thread.start()
    try:
        yield cutter
    finally:
        cutter.close()
        thread.join(timeout=10)
