"""Receives sound in an encoder process: on a Unix socket, with one connection for each worker."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from server.encoders.song_queues import SongQueues
from server.workers.pipes.pipe import PipeClosed
from server.workers.sound.pipe import SoundPipe

Guard = Callable[[Callable[[], None]], None]
"""Function that runs a given thread function, and ends the encoder process if this function raises an error."""


class SoundSocket:
    """Accepts workers' connections on a Unix socket, and reads the sound from each into the queues, on one thread per
    connection.
    """

    def __init__(self, address: str, queues: SongQueues, guard: Guard) -> None:
        self._queues = queues
        self._guard = guard
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(address)
        self._listener.listen()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._closed = False

    def start(self) -> None:
        """Start a thread that accepts connections of workers."""
        self._spawn(self._accept, "accept")

    def close(self) -> None:
        """Close the socket and all connections of workers."""
        with self._lock:
            self._closed = True
            for one in (self._listener, *self._connections):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                raise
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._connections.add(connection)
            self._spawn(partial(self._read, connection), "sound")

    def _read(self, connection: socket.socket) -> None:
        """Read a worker's connection until it is closed, and put the sound into the queues."""
        pipe = SoundPipe(connection.dup().detach())
        try:
            with suppress(PipeClosed):
                while True:
                    self._queues.put(pipe.receive())
        finally:
            pipe.close()
            with self._lock:
                self._connections.discard(connection)
                connection.close()

    def _spawn(self, body: Callable[[], None], name: str) -> None:
        threading.Thread(target=self._guard, args=(body,), name=name, daemon=True).start()
