"""A TCP proxy that can stop passing bytes for a while, like a broken network: connections stay open."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_PIECE_BYTES = 1 << 16


class Way:
    """A TCP proxy that forwards each new connection to the port that `target` returns.

    `taken` lists these ports, with times of the monotonic clock.
    """

    def __init__(self, target: Callable[[], int], listener: socket.socket | None = None) -> None:
        """Set up the proxy; `listener` accepts its connections, by default a socket on the loopback address."""
        self._target = target
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self._clear = threading.Event()
        self._clear.set()
        self._open: set[socket.socket] = set()
        self.taken: list[tuple[float, int]] = []
        self.host, self.port = self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def port_at(self, at: float) -> int | None:
        """Return the port of the last connection that was opened before the time `at`; `None` if there was none."""
        return next((port for taken, port in reversed(self.taken) if taken <= at), None)

    def hold(self) -> None:
        """Stop passing bytes in both directions until `free` is called; connections stay open, and senders get no
        error.
        """
        self._clear.clear()

    def free(self) -> None:
        """Pass on the bytes that `hold` kept back, and all later bytes."""
        self._clear.set()

    def drop(self) -> None:
        """Break all connections."""
        for one in tuple(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, and break all connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.free()
        self.drop()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._clear.wait()
        port = self._target()
        self.taken.append((time.monotonic(), port))
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            return
        pair = {client, server}
        self._open |= pair
        back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
        back.start()
        self._pass(client, server)
        back.join()
        self._open -= pair
        for one in pair:
            one.close()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_PIECE_BYTES):
                self._clear.wait()
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
