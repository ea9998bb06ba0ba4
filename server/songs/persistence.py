"""Copies the recordings (event logs) of running songs into an embedded store."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto

from server.errors import SongNotKept
from server.song import SongState
from server.songs.recordings.recorder import fail
from server.songs.recordings.recording import Recording
from server.songs.song_writer import SongWriter
from server.store.base import NOT_KEPT, NOT_KEPT_TEXT, LeaseLost, SongRecord, SongStore, StoreFailed, WrongOffset
from server.store.claim import Claim

FLUSH_SECONDS = 0.5
"""Seconds between two writes of a song to the store; a write for every chunk would be the largest cost."""

_FAILURES = (StoreFailed, LeaseLost, WrongOffset)
"""Errors of writing a song to the store. The last two mean that another process has changed the store."""

logger = logging.getLogger(__name__)


class Fate(Enum):
    """Result of storing a song: KEPT (stored), DISCARDED (nothing to store) or LOST (storing has failed)."""

    KEPT = auto()
    DISCARDED = auto()
    """The song ended before it was planned, so nothing of it is stored."""
    LOST = auto()


class Persistence:
    """Stores the events of songs while they are made. A song that cannot be stored is still made for its present
    listeners.
    """

    def __init__(self, store: SongStore, now_ns: Callable[[], int]) -> None:
        """Set up the storing of songs; `now_ns` returns wall-clock time in nanoseconds since 1970."""
        self._store = store
        self._now_ns = now_ns

    async def follow(self, recording: Recording, claim: Claim, cancel: Callable[[], None]) -> Fate:
        """Store the events of a song as they are appended to its recording (event log), until the song has ended;
        return the result.

        If the song cannot be stored and has no listener, the song fails, and `cancel` is called to end its job.
        """
        writer = SongWriter(self._store, claim)
        try:
            return await self._store_all(recording, writer)
        except _FAILURES as error:
            song_id = recording.song.song_id
            logger.error("the song %s cannot be stored, so only its present listeners receive it: %s", song_id, error)
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
            logger.error(
                "the song %s could not be stored, and the song store could not record that either: %s",
                song.song_id,
                error,
            )


def _is_nothing(recording: Recording) -> bool:
    """Return True for an ended song that need not be stored: no plan of it was made, and it was cancelled. A failed
    song without a plan is stored, unless its `linger_seconds` is 0.
    """
    song = recording.song
    asked = song.state is SongState.FAILED and recording.linger_seconds != 0.0
    return not song.duration_seconds and not asked


def not_kept(song: SongRecord) -> SongRecord:
    """Return the record of a song whose final state could not be stored: failed, with the reason NOT_KEPT."""
    return replace(song, state=SongState.FAILED, reason=NOT_KEPT, error=NOT_KEPT_TEXT)
