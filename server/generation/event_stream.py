"""The bounded way of a song's events from where they are made to the one listener who reads them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from server.errors import ServiceError
from server.song import Chunk, Progressed, SongEvent, Waiting

_SUPERSEDED = (Progressed, Waiting)


class ChunkStream:
    """Events of one song on one event loop. `put` never waits: whoever makes sound looks at `full` before going on.

    gRPC buffers minutes of sound for a reader that has stopped reading, so the bound on unsent sound is kept here.
    """

    def __init__(self, capacity_bytes: int, on_room: Callable[[], None]) -> None:
        """`on_room` is called whenever a full stream stops being full."""
        self._capacity_bytes = capacity_bytes
        self._on_room = on_room
        self._events: deque[SongEvent] = deque()
        self._arrived = asyncio.Event()
        self._unsent_bytes = 0
        self._unsent_seconds = 0.0
        self._closed = False
        self._error: ServiceError | None = None

    @property
    def full(self) -> bool:
        """Whether the unsent sound has reached the capacity: no more should be made for now."""
        return self._unsent_bytes >= self._capacity_bytes

    @property
    def unsent_bytes(self) -> int:
        """Bytes of sound that nobody has taken yet."""
        return self._unsent_bytes

    @property
    def unsent_seconds(self) -> float:
        """Seconds of sound that nobody has taken yet."""
        return self._unsent_seconds

    def put(self, event: SongEvent) -> None:
        """Append an event; progress or waiting replaces an untaken one right before it. A closed stream ignores it."""
        if self._closed:
            return
        if isinstance(event, _SUPERSEDED) and self._events and isinstance(self._events[-1], type(event)):
            self._events.pop()
        if isinstance(event, Chunk):
            self._unsent_bytes += len(event.data)
            self._unsent_seconds += event.duration_seconds
        self._events.append(event)
        self._arrived.set()

    def close(self) -> None:
        """Let the reader end after what is there already."""
        self._closed = True
        self._arrived.set()

    def fail(self, error: ServiceError) -> None:
        """Let the reader fail with `error` after what is there already; too late for a stream that is closed."""
        if not self._closed:
            self._error = error
            self.close()

    def discard(self) -> None:
        """Close, and drop what nobody has taken."""
        self._events.clear()
        self._unsent_bytes, self._unsent_seconds = 0, 0.0
        self.close()

    async def events(self) -> AsyncIterator[SongEvent]:
        """Take event after event until the stream is closed; for one reader.

        Raises:
            ServiceError: the song failed.
        """
        while True:
            while self._events:
                yield self._take()
            if self._closed:
                break
            self._arrived.clear()
            await self._arrived.wait()
        if self._error is not None:
            raise self._error

    def _take(self) -> SongEvent:
        event, was_full = self._events.popleft(), self.full
        if isinstance(event, Chunk):
            self._unsent_bytes -= len(event.data)
            self._unsent_seconds -= event.duration_seconds
        if was_full and not self.full:
            self._on_room()
        return event
