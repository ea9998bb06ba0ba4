"""The recording (event log) of one song, which listeners can follow from any byte, while the song is made or later."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from opentelemetry.trace import SpanContext

from melisma.v1 import music_pb2
from server.errors import OffsetOutOfRange, ServiceError, SongDeleted, SongNotComplete
from server.song import SongState
from server.songs.keeping import Keeping
from server.songs.recordings.logged_event import LoggedEvent, Message
from server.songs.recordings.recorded_sound import ReadSound, RecordedSound
from server.songs.recordings.song_record import ended_record, failure_of, record_after
from server.store.base import SongRecord, StoredEvent


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """An event for a listener. `number` is its index in the log; `None` for a `progress` event, which is not logged."""

    message: Message
    number: int | None


class Recording:
    """The event log of one song: the part that makes the song appends events, and any number of listeners follow them.
    Not thread-safe: all calls must come from one event loop.

    Events are messages of the API. All except `progress` are logged in `entries`; `sound` has the bytes of chunks.

    `on_joined` is called when the first listener comes, `on_left` when the last one has left. Without a listener the
    song is made for `linger_seconds` more; with `None` to its end.
    """

    def __init__(
        self,
        song: SongRecord,
        read: ReadSound,
        *,
        linger_seconds: float | None,
        on_joined: Callable[["Recording"], None] = lambda recording: None,
        on_left: Callable[["Recording"], None] = lambda recording: None,
    ) -> None:
        self._song = song
        self._size_bytes = song.size_bytes
        self.entries: list[LoggedEvent] = []
        self.sound = RecordedSound(song.song_id, self.entries, read)
        self.listeners = 0
        self.keeping = Keeping()
        self.maker: SpanContext | None = None
        """Trace span of the call for which this server makes the song; `None` without tracing, or for another server's
        song.
        """
        self._error: ServiceError | None = None
        self._sent_away: ServiceError | None = None
        self.deleted = False
        """True once the song was deleted; the recording then gets no new listeners."""
        self.linger_seconds = linger_seconds
        self._on_joined = on_joined
        self._on_left = on_left
        self._progress: Message | None = None
        self._progressed = 0
        self._audio_listeners = 0
        self._attended = asyncio.Event()
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        if song.state.ended:
            self._ended.set()

    @property
    def song(self) -> SongRecord:
        """The present record of the song: its state, size and other data."""
        if self._song.size_bytes != self._size_bytes:
            self._song = replace(self._song, size_bytes=self._size_bytes)
        return self._song

    @property
    def ended(self) -> bool:
        """True if the song has ended, so that no more events follow."""
        return self._song.state.ended

    @property
    def complete(self) -> bool:
        """True if the song is complete: its last event, `finished`, is in the log."""
        return bool(self.entries) and self.entries[-1].message.WhichOneof("event") == "finished"

    @property
    def plan(self) -> music_pb2.SongPlan | None:
        """The latest plan of the song; `None` if there is no plan yet."""
        messages = (entry.message for entry in reversed(self.entries))
        return next((one.plan for one in messages if one.HasField("plan")), None)

    @property
    def has_listener(self) -> bool:
        """True while the song has a listener, or its last listener may come back; for a detached song, which is made to
        its end in any case, only while it has a listener.
        """
        return self.linger_seconds is not None or self._audio_listeners > 0

    @property
    def event_count(self) -> int:
        """Number of events appended to the recording (event log) so far, including `progress`."""
        return len(self.entries) + self._progressed

    def load(self, events: Sequence[StoredEvent]) -> None:
        """Replace the log by the song's stored `events`: all events of a song that has ended, or those so far of a song
        that another server makes.
        """
        self.entries[:] = [LoggedEvent.from_stored(self.song.song_id, event) for event in events]

    def append(self, message: Message) -> None:
        """Append an event of the song, and wake the tasks that wait for events."""
        if message.WhichOneof("event") == "progress":
            self._progress, self._progressed = message, self._progressed + 1
        else:
            entry = LoggedEvent.of(message)
            self.entries.append(entry)
            self._note(entry)
            if entry.end and self._audio_listeners and self.linger_seconds is not None:
                self.sound.wait_for_listener(entry)
        self._notify()

    def end(self, state: SongState, now_ns: int, error: ServiceError | None = None, *, reason: str = "") -> None:
        """End the song in its final state; only the first call has an effect. The calls of present listeners end with
        `error`. `reason` goes into the song's record, with the text of the error.
        """
        if self.ended:
            return
        self._song = ended_record(self.song, state, now_ns, error, reason)
        self._error = error
        self._ended.set()
        self._notify()

    def send_away(self, error: ServiceError) -> None:
        """End the calls of all present and future listeners with an error; the song itself continues."""
        self._sent_away = error
        self._notify()

    def delete(self) -> None:
        """End the calls of all present and future listeners with the error SongDeleted."""
        self.deleted = True
        self.send_away(SongDeleted(self._song.song_id))

    def keep_for(self, linger_seconds: float) -> None:
        """Raise the lingering time to `linger_seconds`: the seconds for which the song is made after its last listener
        has left.
        """
        if self.linger_seconds is not None:
            self.linger_seconds = max(self.linger_seconds, linger_seconds)

    async def wait_for(self, position: int) -> None:
        """Wait until the song's log has more than `position` entries, or the song has ended."""
        while len(self.entries) <= position and not self.ended:
            await self._changed.wait()

    async def sound_until(self, end: int) -> None:
        """Wait until the first `end` bytes of the song's sound exist, or the song has ended.

        Raises:
            ServiceError: the calls of the song's listeners are being ended with this error.
        """
        while self._size_bytes < end and not self.ended:
            self._check_stay()
            await self._changed.wait()

    async def wait_for_listener(self) -> None:
        """Wait until the song has a listener."""
        await self._attended.wait()

    async def wait_ended(self) -> None:
        """Wait until the song has ended."""
        await self._ended.wait()

    @contextmanager
    def listened(
        self, byte_offset: int = 0, *, number: int = 0, sound: bool = True
    ) -> Iterator[AsyncIterator[DeliveredEvent]]:
        """Context manager for one listener. It gives an iterator over the song's events from log entry `number` on,
        without the sound before `byte_offset`.

        Without `sound` the listener gets no chunks, and does not slow the song down.

        Raises:
            OffsetOutOfRange: `byte_offset` is after the end of the complete song; raised while iterating.
            ServiceError: the song has failed or was cancelled; raised while iterating, after the existing events.
        """
        with self._attended_by(sound):
            yield self._follow(byte_offset, number, sound)

    @contextmanager
    def read(self, start: int, end: int) -> Iterator[AsyncIterator[bytes]]:
        """Context manager for one listener. It gives an iterator over a complete song's bytes from `start` to before
        `end`.

        Raises:
            ServiceError: the calls of the song's listeners are being ended with this error; raised while iterating.
            StoreFailed: sound is missing in the store; raised while iterating.
        """
        with self._attended_by(sound=True):
            yield self._blocks(start, end)

    @contextmanager
    def _attended_by(self, sound: bool) -> Iterator[None]:
        self.listeners += 1
        self._audio_listeners += sound
        if self.listeners == 1:
            self._attended.set()
            self._on_joined(self)
        try:
            yield
        finally:
            self.listeners -= 1
            self._audio_listeners -= sound
            if not self._audio_listeners:
                self.sound.wait_for_nobody()
            if not self.listeners:
                self._attended.clear()
                self._on_left(self)

    async def _blocks(self, start: int, end: int) -> AsyncIterator[bytes]:
        async for block in self.sound.blocks(start, end):
            self._check_stay()
            yield block

    async def _follow(self, byte_offset: int, number: int, sound: bool) -> AsyncIterator[DeliveredEvent]:
        progressed, error, reader = 0, self._error_for_late(), self.sound.reader(byte_offset)
        while True:
            while number < len(self.entries):
                self._check_stay()
                entry, number = self.entries[number], number + 1
                if not entry.end:
                    self._check_offset(entry.message, byte_offset)
                    yield DeliveredEvent(entry.message, number - 1)
                elif sound:
                    chunk = await reader.chunk(number - 1)
                    self.sound.note_taken(entry)
                    if chunk is not None:
                        yield DeliveredEvent(chunk, number - 1)
            self._check_stay()
            if self.ended:
                break
            if progressed != self._progressed and self._progress is not None:
                progressed = self._progressed
                yield DeliveredEvent(self._progress, None)
                continue
            await self._changed.wait()
        if error := error or self._error:
            raise error

    def _check_stay(self) -> None:
        if self._sent_away is not None:
            raise self._sent_away

    def _error_for_late(self) -> ServiceError | None:
        """Return the error for a listener who comes after a song has failed or was cancelled; otherwise `None`."""
        if self.complete or not self.ended:
            return None
        return SongNotComplete(self.song.state.value, failure_of(self.song))

    def _check_offset(self, message: Message, byte_offset: int) -> None:
        if message.WhichOneof("event") == "finished" and byte_offset > message.finished.size_bytes:
            raise OffsetOutOfRange(byte_offset, message.finished.size_bytes)

    def _note(self, entry: LoggedEvent) -> None:
        """Update the song's record for a new log entry. For a chunk only the size changes."""
        if entry.end:
            self._size_bytes = entry.end
        else:
            self._song = record_after(self.song, entry.message)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
