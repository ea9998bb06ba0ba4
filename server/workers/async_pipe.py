"""The server's end of a pipe, on the event loop."""

import asyncio
import pickle
import socket

from server.workers.pipe import LENGTH, PipeClosed, packed

_BUFFER_BYTES = 1 << 21


class AsyncPipe:
    """The end on the event loop; `open` makes it from its socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> "AsyncPipe":
        """Take over a connected socket."""
        return cls(*await asyncio.open_connection(sock=end, limit=_BUFFER_BYTES))

    def send(self, value: object) -> None:
        """Send a value. An end that is gone is noticed by whoever waits for the answer."""
        self._writer.write(packed(value))

    async def receive(self) -> object:
        """Wait for a value.

        Raises:
            PipeClosed: there will be none.
        """
        try:
            length = await self._reader.readexactly(LENGTH.size)
            return pickle.loads(await self._reader.readexactly(*LENGTH.unpack(length)))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise PipeClosed from error

    def close(self) -> None:
        """Let the other end see that there will be no more."""
        self._writer.close()
