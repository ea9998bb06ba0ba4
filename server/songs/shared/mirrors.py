"""Keeps recordings (event logs) of songs that other servers make, and fills them with the events in the shared
store.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import chain

from server.errors import EndedElsewhere, MadeElsewhere, ServiceError, SongCancelled, WorkerLost
from server.song import SongState
from server.songs.recordings.logged_event import Message
from server.songs.recordings.open_recordings import FOUND_SECONDS, OpenRecordings
from server.songs.recordings.recording import Recording
from server.songs.recordings.song_record import failure_of
from server.songs.shared.attending import Attending
from server.songs.shared.lasting_read import lasting_read
from server.store.base import (
    INTERRUPTED,
    INTERRUPTED_TEXT,
    Extent,
    SongGone,
    SongRecord,
    SongStore,
    StoredEvent,
    StoreFailed,
)
from server.store.directory import Directory, SongUpdate

logger = logging.getLogger(__name__)


class Mirrors:
    """Follows, for the listeners of this server, the songs that other servers make: copies their stored events into
    recordings (event logs).
    """

    def __init__(self, store: SongStore, directory: Directory, opened: OpenRecordings, attending: Attending) -> None:
        self._store = store
        self._directory = directory
        self._open = opened
        self._attending = attending
        self._tasks: dict[Recording, asyncio.Task[None]] = {}
        self._draining = False

    def open(
        self,
        song: SongRecord,
        events: Sequence[StoredEvent],
        linger_seconds: float | None,
        first: Message | None = None,
    ) -> Recording:
        """Create the recording (event log) of a song that has not ended, and fill it with the song's stored events
        (`events` are those so far) until the song ends or has no listener here. `linger_seconds` is the time for which
        the song is made without a listener; with `None` to its end.

        If no event is stored yet, the recording begins with `first`; the server that makes the song will store an equal
        event.
        """
        recording = Recording(
            song,
            partial(lasting_read, self._store, song.song_id),
            linger_seconds=linger_seconds,
            on_joined=self._joined,
            on_left=self._last_listener_left,
        )
        recording.load(events)
        if first is not None and not events:
            recording.append(first)
        self._open.found(recording)
        self.follow(recording)
        asyncio.get_running_loop().call_later(FOUND_SECONDS, self._close_unheard, recording)
        return recording

    @property
    def followed(self) -> Collection[Recording]:
        """The recordings (event logs) that are being filled with the stored events of songs that other servers make."""
        return tuple(self._tasks)

    def start_draining(self) -> None:
        """End the present calls of listeners to songs that other servers make, and all later calls of that kind at
        once, so that the clients call those servers.
        """
        self._draining = True
        self._attending.start_draining()
        for task in tuple(self._tasks.values()):
            task.cancel()
        for recording in (*self._tasks, *chain.from_iterable(self._open.listened)):
            made = self._open.made(recording.song.song_id)
            if made is None or made.recording is not recording:
                _send_away(recording)

    def made(self, recording: Recording) -> None:
        """End the calls of the listeners of a song that was made here and is completely stored, if this server is
        draining (sends listeners to other servers before it shuts down).
        """
        if self._draining:
            _send_away(recording)

    def follow(self, recording: Recording) -> None:
        """Start copying the stored events of a song into its recording (event log)."""
        if self._draining:
            _send_away(recording)
            return
        task = asyncio.create_task(self._follow(recording), name=f"mirror {recording.song.song_id}")
        self._tasks[recording] = task
        task.add_done_callback(lambda _: self._tasks.pop(recording, None))

    async def close(self) -> None:
        """Stop copying the events of songs that other servers make."""
        for task in tuple(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, recording: Recording) -> None:
        song_id = recording.song.song_id
        at = Extent(max((entry.end for entry in recording.entries), default=0), len(recording.entries))
        try:
            async for update in self._directory.follow(song_id, at):
                _append_update(recording, update)
        except SongGone:
            recording.delete()
        except KeyError:
            recording.end(SongState.FAILED, 0, EndedElsewhere(INTERRUPTED, INTERRUPTED_TEXT), reason=INTERRUPTED)
        except StoreFailed as error:
            logger.error(
                "the events of the song %s cannot be read from the song directory; its listeners here are asked to "
                "call again: %s",
                song_id,
                error,
                extra={"song_id": song_id},
            )
            recording.end(
                SongState.FAILED,
                0,
                WorkerLost(
                    "the song is made by another server and cannot be followed here at present: call Listen again"
                ),
            )

    def _joined(self, recording: Recording) -> None:
        self._open.joined(recording)
        self._attending.joined(recording)

    def _last_listener_left(self, recording: Recording) -> None:
        self._open.left(recording)
        self._attending.left(recording)
        self._close_unheard(recording)

    def _close_unheard(self, recording: Recording) -> None:
        if not recording.listeners and (task := self._tasks.get(recording)):
            task.cancel()


def _send_away(recording: Recording) -> None:
    recording.send_away(MadeElsewhere("this server is shutting down and another one has the song: call Listen again"))


def _append_update(recording: Recording, update: SongUpdate) -> None:
    for message in _messages(update):
        recording.append(message)
    recording.sound.note_stored(len(recording.entries))
    song = update.song
    if song.state.ended:
        recording.end(song.state, song.ended_ns or 0, _error_of(song), reason=song.reason)


def _messages(update: SongUpdate) -> Iterator[Message]:
    """Yield the messages of an update's stored events; messages of chunks get their sound."""
    start = 0
    for event in update.events:
        message = Message.FromString(event.payload)
        if event.end_byte:
            end = start + event.end_byte - message.chunk.byte_offset
            message.chunk.data, start = update.sound[start:end], end
        yield message


def _error_of(song: SongRecord) -> ServiceError | None:
    match song.state:
        case SongState.FAILED:
            return failure_of(song)
        case SongState.CANCELLED:
            return SongCancelled("the song was cancelled: to hear it, request it again")
        case _:
            return None
