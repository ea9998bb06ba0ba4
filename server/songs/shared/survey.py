"""Reads the engines and songs of the whole service, with as few reads of the song directory as possible."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from server.songs.ports import ServiceState
from server.store.directory import Admitted, Directory, Ticket
from server.store.whole_service import KnownEngine, Queue, ServedEngine, WaitingSong

FRESH_SECONDS = 0.5
"""Seconds for which a queue that was read is used, together with the songs that this server has added."""


class Survey:
    """The latest known state of the whole service: engines and queue."""

    def __init__(self, directory: Directory, clock: Callable[[], float]) -> None:
        """Set up the reader; `clock` returns monotonic seconds."""
        self._directory = directory
        self._clock = clock
        self._reading = asyncio.Lock()
        self._queue = Queue((), 0)
        self._fresh_until = float("-inf")
        self.engines: Mapping[str, ServedEngine] = {}
        """The engines of all servers, this one included, as last read."""
        self.known: Mapping[str, KnownEngine] = {}
        """The engines that were ever served, as last read."""

    async def state(self, *, anew: bool = False) -> ServiceState:
        """Return the state of the service; it is read again if it is too old or if `anew` is True. Raises
        StoreFailed.
        """
        async with self._reading:
            if (now := self._clock()) >= self._fresh_until or anew:
                await self.read_engines()
                self._queue = await self._directory.queue()
                self._fresh_until = now + FRESH_SECONDS
        return ServiceState(self.engines, self._queue, self.known)

    async def read_engines(self) -> None:
        """Read the engines that are served now and all engines that were ever served. Raises StoreFailed.

        If they have changed, the queue counts as too old.
        """
        engines = await self._directory.engines()
        known = await self._directory.known_engines()
        if _served(known) != _served(self.known):
            self._fresh_until = float("-inf")
        self.engines, self.known = engines, known

    @property
    def queue(self) -> Queue:
        """The songs of the service as last read, at most a few seconds ago."""
        return self._queue

    def add(self, ticket: Ticket, admitted: Admitted) -> None:
        """Count a song that this server has admitted, unless the queue was read after that."""
        song = ticket.song
        if any(waiting.song_id == song.song_id for waiting in self._queue.waiting):
            return
        if admitted.claim:
            self._queue = replace(self._queue, running=self._queue.running + 1)
        else:
            last = WaitingSong(song.song_id, song.caller, song.engine, ticket.sound_seconds, ticket.steps)
            self._queue = replace(self._queue, waiting=(*self._queue.waiting, last))


def _served(known: Mapping[str, KnownEngine]) -> set[str]:
    return {name for name, one in known.items() if not one.away_seconds}
