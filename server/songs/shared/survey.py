"""Reads the engines and the queue of the whole service from the song directory, and caches them to save reads."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from server.songs.ports import ServiceState
from server.store.directory import Admitted, Directory, Ticket
from server.store.whole_service import KnownEngine, Queue, ServedEngine, WaitingSong

FRESH_SECONDS = 0.5
"""Seconds for which a queue that was read stays valid; songs that this server admits meanwhile are added to it."""


class Survey:
    """The latest known state of a service of several servers: engines and queue, as read from the song directory."""

    def __init__(self, directory: Directory, clock: Callable[[], float]) -> None:
        """Set up the cache of the service's state; `clock` returns monotonic seconds."""
        self._directory = directory
        self._clock = clock
        self._reading = asyncio.Lock()
        self._queue = Queue((), 0)
        self._fresh_until = float("-inf")
        self.engines: Mapping[str, ServedEngine] = {}
        """The engines that servers now serve, this server included, as last read."""
        self.known: Mapping[str, KnownEngine] = {}
        """All engines that any server has ever served, as last read."""

    async def state(self, *, anew: bool = False) -> ServiceState:
        """Return the state of the service, from the cache or newly read; with `anew` always newly read. Raises
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

        If the engines have changed, the cached queue is no longer valid.
        """
        engines = await self._directory.engines()
        known = await self._directory.known_engines()
        if _served(known) != _served(self.known):
            self._fresh_until = float("-inf")
        self.engines, self.known = engines, known

    @property
    def queue(self) -> Queue:
        """The waiting songs of the service and the number of running ones, as last read, at most a few seconds ago."""
        return self._queue

    def add(self, ticket: Ticket, admitted: Admitted) -> None:
        """Add a song that this server has admitted to the cached queue, unless the queue already contains the song."""
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
