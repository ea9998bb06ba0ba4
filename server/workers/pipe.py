"""The pipe between the server and one lane of a worker: whole Python values, each behind its length.

The server's end lives on the event loop, which then needs no thread for every lane; the worker's end blocks.
"""

import asyncio
import pickle
import socket
import struct

_LENGTH = struct.Struct("!I")
_BUFFER_BYTES = 1 << 21


class PipeClosed(Exception):
    """The other end is gone."""


class WorkerEnd:
    """The blocking end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._file = self._socket.makefile("rb")

    def send(self, value: object) -> None:
        """Send a value.

        Raises:
            PipeClosed: nobody is there to read it.
        """
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        try:
            self._socket.sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise PipeClosed from error

    def receive(self) -> object:
        """Wait for a value.

        Raises:
            PipeClosed: there will be none.
        """
        try:
            length = self._exactly(_LENGTH.size)
            return pickle.loads(self._exactly(*_LENGTH.unpack(length)))
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


class ServerEnd:
    """The end on the event loop; `open` makes it from its socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> "ServerEnd":
        """Take over a connected socket."""
        return cls(*await asyncio.open_connection(sock=end, limit=_BUFFER_BYTES))

    async def exchange(self, value: object) -> object:
        """Send a value and wait for the answer.

        Raises:
            PipeClosed: the other end is gone.
        """
        self.send(value)
        return await self.receive()

    def send(self, value: object) -> None:
        """Send a value. An end that is gone is noticed by whoever waits for the answer."""
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self._writer.write(_LENGTH.pack(len(data)) + data)

    async def receive(self) -> object:
        """Wait for a value.

        Raises:
            PipeClosed: there will be none.
        """
        try:
            length = await self._reader.readexactly(_LENGTH.size)
            return pickle.loads(await self._reader.readexactly(*_LENGTH.unpack(length)))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise PipeClosed from error

    def close(self) -> None:
        """Let the other end see that there will be no more."""
        self._writer.close()
