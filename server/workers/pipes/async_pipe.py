"""Sends and receives Python values on the event loop of the server, through a pipe to a child process."""

import asyncio
import pickle
import socket
from collections import deque
from typing import cast

from typing_extensions import override

from server.workers.pipes.pipe import LENGTH, PipeClosed, packed

_BUFFER_BYTES = 64 << 10
"""Initial size of the receive buffer, large enough for a chunk of sound; the buffer grows for a longer value."""


class AsyncPipe:
    """The server's end of a pipe to a child process, on the event loop; `open` creates it from a socket. Only one task
    may receive at a time.

    Received bytes are split into values as they arrive, without a task for each value. The amount of buffered data has
    no limit, so the child process must not send much more than was requested.
    """

    def __init__(self, transport: asyncio.Transport, frames: "_Frames") -> None:
        self._transport = transport
        self._frames = frames

    @classmethod
    async def open(cls, end: socket.socket) -> "AsyncPipe":
        """Create the server's end of a pipe from a connected socket; the socket is closed if that fails."""
        try:
            transport, frames = await asyncio.get_running_loop().create_connection(_Frames, sock=end)
        except BaseException:
            end.close()
            raise
        return cls(transport, frames)

    def send(self, value: object) -> None:
        """Send a value, pickled, to the child process without waiting. If the other end is closed, only `receive`
        raises an error.
        """
        self._transport.write(packed(value))

    async def receive(self) -> object:
        """Wait for the next value from the child process, and return it.

        Raises:
            PipeClosed: the other end of the pipe is closed.
        """
        return pickle.loads(self._frames.ready.popleft() if self._frames.ready else await self._frames.next())

    def close(self) -> None:
        """Close this end of the pipe; the child process then reads the end of the stream."""
        self._transport.close()


class _Frames(asyncio.BufferedProtocol):
    """Splits received bytes into pickled values, which are queued in `ready`."""

    def __init__(self) -> None:
        self.ready: deque[bytes] = deque()
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._come = 0
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    async def next(self) -> bytes:
        """Wait for the bytes of the next pickled value, and return them. Raises PipeClosed if the pipe is closed."""
        while not self.ready:
            if self._closed:
                raise PipeClosed
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self.ready.popleft()

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        if self._come == len(self._buffer):
            self._buffer = memoryview(bytearray(self._buffer) + bytes(self._come))
        return self._buffer[self._come :]

    @override
    def buffer_updated(self, nbytes: int) -> None:
        self._come += nbytes
        start = 0
        while self._come - start >= LENGTH.size:
            end = start + LENGTH.size + cast(int, LENGTH.unpack_from(self._buffer, start)[0])
            if end > self._come:
                break
            self.ready.append(bytes(self._buffer[start + LENGTH.size : end]))
            start = end
        if start:
            self._keep_from(start)
            self._wake()

    def _keep_from(self, start: int) -> None:
        """Move the received part of the next value, which begins at `start`, to the beginning of the buffer."""
        rest = bytes(self._buffer[start : self._come])
        if len(rest) < _BUFFER_BYTES < len(self._buffer):
            self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._buffer[: len(rest)] = rest
        self._come = len(rest)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
