"""Copies the recordings (event logs) of running songs into the store."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto

from server.errors import SongNotKept
from server.song import SongState
from server.songs.recorder import fail
from server.songs.recording import Recording
from server.songs.song_writer import SongWriter
from server.store.base import NOT_KEPT, NOT_KEPT_TEXT, LeaseLost, SongRecord, SongStore, StoreFailed, WrongOffset
from server.store.directory import Claim

FLUSH_SECONDS = 0.5
"""Seconds between writes to the store. Writing every chunk separately dominated the cost."""

_FAILURES = (StoreFailed, LeaseLost, WrongOffset)
"""Errors of writing a song. The last two mean that the store was changed by another process."""

logger = logging.getLogger(__name__)


class Fate(Enum):
    """The result of storing a song: stored, not stored, or ended otherwise."""

    KEPT = auto()
    DISCARDED = auto()
    """The song ended before it was planned, so nothing of it is stored."""
    LOST = auto()


class Persistence:
    """Stores the events of recordings. A song that cannot be stored continues for its listeners."""

    def __init__(self, store: SongStore, now_ns: Callable[[], int]) -> None:
        """Set up the storing of songs; `now_ns` is the wall clock."""
        self._store = store
        self._now_ns = now_ns

    async def follow(self, recording: Recording, claim: Claim, cancel: Callable[[], None]) -> Fate:
        """Store the events of a song until it has ended, and return the result.

        A song that cannot be stored and has no listener fails, and `cancel` ends its job.
        """
        writer = SongWriter(self._store, claim)
        try:
            return await self._store_all(recording, writer)
        except _FAILURES as error:
            logger.error("a song cannot be stored, so only its present listeners receive it: %s", error)
            recording.keeping.lose()
            if not recording.listeners:
                fail(recording, SongNotKept(), self._now_ns())
                cancel()
            await recording.wait_ended()
            await self._store_loss(recording.song, writer)
            return Fate.LOST

    async def _store_all(self, recording: Recording, writer: SongWriter) -> Fate:
        await writer.create(recording.song)
        recording.keeping.begin()
        stored = 0
        while not (recording.ended and stored == len(recording.entries)):
            await recording.wait_for(stored)
            if entries := recording.entries[stored:]:
                await writer.append(recording.song, entries)
                stored += len(entries)
                recording.sound.note_stored(stored)
                with suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_SECONDS):
                        await recording.wait_ended()
        if _is_nothing(recording):
            await writer.discard()
            return Fate.DISCARDED
        await writer.end(recording.song)
        recording.keeping.finish()
        return Fate.KEPT

    async def _store_loss(self, song: SongRecord, writer: SongWriter) -> None:
        try:
            stored = await self._store.get(song.song_id)
            if stored is None:
                await writer.discard()
            else:
                await writer.end(not_kept(replace(stored, ended_ns=song.ended_ns)))
        except _FAILURES as error:
            logger.error("the song store could not record that a song is not stored: %s", error)


def _is_nothing(recording: Recording) -> bool:
    """Return True for a song that need not be stored: it was never planned and has not failed."""
    song = recording.song
    asked = song.state is SongState.FAILED and recording.linger_seconds != 0.0
    return not song.duration_seconds and not asked


def not_kept(song: SongRecord) -> SongRecord:
    """Return the record of a song whose end could not be stored, with the state NOT_KEPT."""
    return replace(song, state=SongState.FAILED, reason=NOT_KEPT, error=NOT_KEPT_TEXT)
