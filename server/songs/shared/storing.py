"""Stores the events of a song in a shared store, and then appends them to the recording (event log) for this server's
listeners.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from server.errors import SongNotKept
from server.song import SongState
from server.songs.persistence import not_kept
from server.songs.recordings.recording import Recording
from server.songs.shared.stored_recorder import StoredRecorder
from server.songs.song_writer import SongWriter
from server.store.base import NOT_KEPT, Extent, LeaseLost, SongStore, StoreFailed, StoreFull, WrongOffset
from server.store.claim import Claim
from server.store.directory import Directory

RETRY_SECONDS = 0.5
JOIN_SECONDS = 1.0
"""Time limit in seconds for waiting for the first listener of a song."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Times for storing a song: after each write, sound is collected for `flush_seconds` until the next; a song fails
    once the store has been unreachable for `outage_seconds`.

    Listeners of a song get an event at least every `heartbeat_seconds`.
    """

    flush_seconds: float = 0.1
    outage_seconds: float = 30.0
    heartbeat_seconds: float = 5.0


class Storing:
    """Stores the events of one song while the song is made. All sound of the song stays in memory until its final state
    is stored.
    """

    def __init__(
        self,
        store: SongStore,
        directory: Directory,
        claim: Claim,
        recorder: StoredRecorder,
        recording: Recording,
        pace: Pace,
    ) -> None:
        """Set up the storing of a song. `recorder` has the song's events, and `recording` (the event log for listeners)
        gets each of them once it is stored. Both begin with the events that are already stored. `claim` is the
        assignment of the song to this server.
        """
        self._directory = directory
        self._claim = claim
        self._recorder = recorder
        self._recording = recording
        self._pace = pace
        self._writer = SongWriter(store, claim)
        self._sent = claim.extent.events
        self._stored = recorder.song
        self._log_fields = {"song_id": recorder.song.song_id}

    async def run(self, cancel: Callable[[], None]) -> None:
        """Store the song's events as they are made, and at last its final state.

        If the store is full, the song is continued without being stored, for the listeners of this server, and ends as
        NOT_KEPT. Without such a listener the song fails, and `cancel` is called to end its job.

        Raises:
            LeaseLost: another server has the song, or the stored part of the song differs from the song made here.
            StoreFailed: the store was unreachable for too long, or refuses the song; listeners have got an error.
        """
        try:
            await self._lasting(lambda: self._writer.create(self._recorder.song))
            while not await self._advance():
                pass
        except StoreFull as full:
            text = "the song %s cannot be stored, so only the present listeners of this server receive it: %s"
            logger.error(text, self._recorder.song.song_id, full)
            await self._go_on_unstored(cancel)
            return
        except StoreFailed:
            error = SongNotKept()
            self._recording.keeping.lose()
            self._recording.end(SongState.FAILED, self._recorder.song.ended_ns or 0, error, reason=NOT_KEPT)
            raise
        song = self._recorder.song
        await self._lasting(lambda: self._directory.settle(self._claim.lease, song.state, self._recorder.sound_seconds))
        self._recording.end(song.state, song.ended_ns or 0, self._recorder.error, reason=song.reason)

    async def _advance(self) -> bool:
        """Store the events that are new since the last write; return True if the end of the song is among them."""
        recorder = self._recorder
        if self._sent == len(recorder.entries) and not recorder.ended:
            recorder.changed.clear()
            await recorder.changed.wait()
        try:
            if batch := recorder.entries[self._sent :]:
                await self._lasting(lambda: self._writer.append(recorder.song, batch))
                self._sent += len(batch)
                self._stored = recorder.song
                self._publish()
                if batch[-1].end and not recorder.ended:
                    await self._gather()
                return False
            await self._lasting(lambda: self._writer.end(recorder.song, recorder.entries))
        except WrongOffset as wrong:
            self._resume(wrong.extent)
            return False
        return True

    async def _go_on_unstored(self, cancel: Callable[[], None]) -> None:
        """Append further events to the recording (event log) without storing them. At the end of the song, store a
        record with the reason NOT_KEPT. Without a listener on this server the song fails at once, and `cancel` is
        called to end its job.
        """
        recorder = self._recorder
        self._recording.keeping.lose()
        if not recorder.ended and not await self._listened():
            recorder.end(SongNotKept())
            cancel()
        while not recorder.ended:
            recorder.changed.clear()
            self._tell_until(len(recorder.entries))
            await recorder.changed.wait()
        self._tell_until(len(recorder.entries))
        song = recorder.song
        try:
            await self._writer.end(not_kept(replace(self._stored, ended_ns=song.ended_ns)), recorder.entries)
            await self._directory.settle(self._claim.lease, SongState.FAILED, recorder.sound_seconds)
        except (StoreFailed, LeaseLost, WrongOffset) as error:
            logger.error(
                "the song %s could not be stored, and the song store could not record that either: %s",
                song.song_id,
                error,
            )
        finally:
            self._recording.end(song.state, song.ended_ns or 0, recorder.error, reason=song.reason)

    async def _listened(self) -> bool:
        """Return True if the song has a listener on this server, or gets one within a second."""
        with suppress(TimeoutError):
            async with asyncio.timeout(JOIN_SECONDS):
                await self._recording.wait_for_listener()
        return self._recording.listeners > 0

    def _publish(self) -> None:
        """Append the events that are stored by now to the recording (event log), where listeners get them."""
        self._tell_until(self._sent)
        self._recording.sound.note_stored(len(self._recording.entries))

    def _tell_until(self, count: int) -> None:
        for entry in self._recorder.entries[len(self._recording.entries) : count]:
            self._recording.append(entry.message)

    async def _gather(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.flush_seconds):
                await self._recorder.closed.wait()

    def _resume(self, extent: Extent) -> None:
        """Set the write position to the end of the song's stored part (`extent`), which must equal the beginning of the
        song. Raises LeaseLost otherwise.
        """
        entries = self._recorder.entries[: extent.events]
        size_bytes = max((entry.end for entry in entries), default=0)
        if len(entries) < extent.events or size_bytes != extent.size_bytes:
            raise LeaseLost(self._recorder.song.song_id)
        self._sent, self._writer.at = extent.events, extent
        self._publish()

    async def _lasting(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call `call` again and again until it succeeds, for as long as the store may be unreachable; return its
        result.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._pace.outage_seconds
        while True:
            try:
                return await call()
            except StoreFull:
                raise
            except StoreFailed as error:
                if loop.time() >= until:
                    raise
                song_id = self._recorder.song.song_id
                logger.warning("a call to store the song %s failed and is tried again: %s", song_id, error)
                await asyncio.sleep(RETRY_SECONDS)
