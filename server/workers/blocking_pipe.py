"""The end of a pipe in a process that the server has started, which blocks, and the end of that process with it."""

import logging
import os
import pickle
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from server.workers.pipe import LENGTH, PipeClosed, packed


class BlockingPipe:
    """The blocking end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._file = self._socket.makefile("rb")

    def send(self, value: object) -> None:
        """Send a value.

        Raises:
            PipeClosed: nobody is there to read it.
        """
        self.send_all([value])

    def send_all(self, values: Iterable[object]) -> None:
        """Send values, which arrive together.

        Raises:
            PipeClosed: nobody is there to read them.
        """
        data = b"".join(map(packed, values))
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise PipeClosed from error

    def receive(self) -> object:
        """Wait for a value.

        Raises:
            PipeClosed: there will be none.
        """
        try:
            length = self._exactly(LENGTH.size)
            return pickle.loads(self._exactly(*LENGTH.unpack(length)))
        except OSError as error:
            raise PipeClosed from error

    def close(self) -> None:
        """Let the other end see that there will be no more."""
        self._file.close()
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise PipeClosed
        return data


@contextmanager
def ended_with_its_pipe(log: logging.Logger, process: str) -> Iterator[None]:
    """The life of a thread. One that ends otherwise than by its pipe takes the `process` along, at once.

    Python's own way out would wait for threads and destructors that may want something of a broken device.
    """
    try:
        yield
    except PipeClosed:
        return
    except BaseException:
        log.critical("the %s ends itself", process, exc_info=True)
        logging.shutdown()
        sys.stderr.flush()
        os._exit(1)
