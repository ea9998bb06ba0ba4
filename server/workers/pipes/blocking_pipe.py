"""The blocking end of a pipe between the server and a child process; the child ends when the pipe is closed."""

import logging
import os
import pickle
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from server.workers.pipes.pipe import LENGTH, PipeClosed, packed


class BlockingPipe:
    """The child process's end of the pipe to the server; its methods block."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._file = self._socket.makefile("rb")

    def send(self, value: object) -> None:
        """Send a value to the server, pickled.

        Raises:
            PipeClosed: the server's end of the pipe is closed.
        """
        self.send_all([value])

    def send_pickled(self, data: bytes) -> None:
        """Send a value to the server that is already pickled.

        Raises:
            PipeClosed: the server's end of the pipe is closed.
        """
        self._send(LENGTH.pack(len(data)) + data)

    def send_all(self, values: Iterable[object]) -> None:
        """Send several values to the server in one write, each pickled.

        Raises:
            PipeClosed: the server's end of the pipe is closed.
        """
        self._send(b"".join(map(packed, values)))

    def receive(self) -> object:
        """Wait for the next value from the server, and return it.

        Raises:
            PipeClosed: the server's end of the pipe is closed.
        """
        return pickle.loads(self.receive_pickled())

    def receive_pickled(self) -> bytes:
        """Wait for the next value from the server, and return its pickled bytes.

        Raises:
            PipeClosed: the server's end of the pipe is closed.
        """
        try:
            length = self._exactly(LENGTH.size)
            return self._exactly(*LENGTH.unpack(length))
        except OSError as error:
            raise PipeClosed from error

    def close(self) -> None:
        """Close this end of the pipe; the server then reads the end of the stream."""
        self._file.close()
        self._socket.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise PipeClosed from error

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise PipeClosed
        return data


@contextmanager
def ended_with_its_pipe(log: logging.Logger, process: str) -> Iterator[None]:
    """Context manager around the function of a thread: a closed pipe ends the thread, any other error is logged in
    `log` and ends the process. `process` is the name of the process in that log line.

    A regular exit of Python would wait for threads and destructors that may use a broken device.
    """
    try:
        yield
    except PipeClosed:
        return
    except BaseException:
        log.critical(
            "the %s process ends because of an unexpected error; the server restarts it", process, exc_info=True
        )
        logging.shutdown()
        sys.stderr.flush()
        os._exit(1)
