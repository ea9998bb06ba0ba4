"""The server's end of a pipe, on the event loop."""

import asyncio
import pickle
import socket
from collections import deque
from typing import cast

from typing_extensions import override

from server.workers.pipe import LENGTH, PipeClosed, packed


class AsyncPipe:
    """The end on the event loop; `open` makes it from its socket. One task at a time receives.

    Values are cut out as their bytes come, without a task that waits for length and bytes in turn. All that the other
    end sends is taken in: it must not send much more than it was asked for.
    """

    def __init__(self, transport: asyncio.Transport, frames: "_Frames") -> None:
        self._transport = transport
        self._frames = frames

    @classmethod
    async def open(cls, end: socket.socket) -> "AsyncPipe":
        """Take over a connected socket; it is closed where that fails."""
        try:
            transport, frames = await asyncio.get_running_loop().create_connection(_Frames, sock=end)
        except BaseException:
            end.close()
            raise
        return cls(transport, frames)

    def send(self, value: object) -> None:
        """Send a value. A closed end is noticed by the wait for the answer."""
        self._transport.write(packed(value))

    async def receive(self) -> object:
        """Wait for a value.

        Raises:
            PipeClosed: there will be none.
        """
        return pickle.loads(self._frames.ready.popleft() if self._frames.ready else await self._frames.next())

    def close(self) -> None:
        """Let the other end see that there will be no more."""
        self._transport.close()


class _Frames(asyncio.Protocol):
    """Cuts what comes in into the bytes of values, which wait in `ready`."""

    def __init__(self) -> None:
        self.ready: deque[bytes] = deque()
        self._buffer = bytearray()
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    async def next(self) -> bytes:
        """Wait for the bytes of a value; raises PipeClosed when there will be none."""
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
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        start, come = 0, len(self._buffer)
        while come - start >= LENGTH.size:
            end = start + LENGTH.size + cast(int, LENGTH.unpack_from(self._buffer, start)[0])
            if end > come:
                break
            self.ready.append(bytes(self._buffer[start + LENGTH.size : end]))
            start = end
        if start:
            del self._buffer[:start]
            self._wake()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
