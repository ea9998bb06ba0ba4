"""A sink of a song's events for tests, with one reader; events that it has not read count as not received."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from server.errors import ServiceError
from server.song import Accepted, Chunk, SongCompleted, SongEvent


class ReadSink:
    """A sink of a song's events with one reader, the test: it stores events until the reader takes them from
    `events`.
    """

    def __init__(self) -> None:
        self.accepted: Accepted | None = None
        self.complete = False
        self._waiting: deque[SongEvent] = deque()
        self._arrived = asyncio.Event()
        self._heard: Callable[[], None] = lambda: None
        self._ended = False
        self._error: ServiceError | None = None

    @property
    def has_listener(self) -> bool:
        """Always True: the song has a listener."""
        return True

    @property
    def repeats(self) -> bool:
        """Always False: the events are new ones, which do not repeat stored events."""
        return False

    @property
    def unheard_bytes(self) -> int:
        return sum(len(event.data) for event in self._waiting if isinstance(event, Chunk))

    @property
    def unheard_seconds(self) -> float:
        return sum(event.duration_seconds for event in self._waiting if isinstance(event, Chunk))

    def on_heard(self, callback: Callable[[], None]) -> None:
        self._heard = callback

    def append(self, event: SongEvent) -> None:
        if self._ended:
            return
        if isinstance(event, Accepted):
            self.accepted = event
        else:
            self._waiting.append(event)
        self.complete = isinstance(event, SongCompleted)
        self._arrived.set()

    def end(self, error: ServiceError | None = None) -> None:
        if not self._ended:
            self._ended, self._error = True, error
            self._arrived.set()

    async def events(self) -> AsyncIterator[SongEvent]:
        """Yield the song's events after `accepted` in order; raises the error that ended the song."""
        while True:
            while self._waiting:
                event = self._waiting.popleft()
                self._heard()
                yield event
            if self._ended:
                break
            self._arrived.clear()
            await self._arrived.wait()
        if self._error is not None:
            raise self._error
