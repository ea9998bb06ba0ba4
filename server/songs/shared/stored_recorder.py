"""Collects the events of a song that this server makes, for a shared store; listeners get events only once these are
stored.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from typing_extensions import override

from server.contract.events import event_message
from server.contract.status import outcome_of
from server.errors import EndedElsewhere, ServiceError, SongCancelled
from server.song import Chunk, SongEvent, SongRequest, SongState
from server.songs.ports import EventSink
from server.songs.recordings.backlog import Backlog
from server.songs.recordings.logged_event import LoggedEvent, Message
from server.songs.recordings.recording import Recording
from server.songs.recordings.song_record import ended_record, record_after
from server.songs.shared.repetition import Repetition, SoundDiffers
from server.store.base import INTERRUPTED
from server.store.directory import LeaseStatus

logger = logging.getLogger(__name__)


DIFFERS_TEXT = "the server that made the song was lost, and the song could not be continued: ask for it again"


class StoredRecorder(EventSink):
    """Receives the events of one song from the part of the server that makes it: `entries` are all events of the song,
    `song` is its record after the last one. All sound stays in memory until the song's final state is stored.

    A song with a stored part is made again from its beginning: events that are already stored are compared and dropped,
    later ones are appended. A song that differs from its stored part ends as interrupted.

    Once the song has ended, `error` is the error for later listeners.
    """

    def __init__(
        self,
        recording: Recording,
        request: SongRequest,
        now_ns: Callable[[], int],
        stored: Sequence[LoggedEvent] = (),
        on_differs: Callable[[], None] = lambda: None,
        on_repeated: Callable[[], None] = lambda: None,
    ) -> None:
        """Set up the recorder of one song. Listeners of this server follow `recording` (the song's event log); `now_ns`
        returns wall-clock time in nanoseconds since 1970.

        `stored` are the events that an earlier server has stored. `on_differs` is called if the song made again differs
        from them, `on_repeated` once it has repeated all of them.
        """
        self.entries: list[LoggedEvent] = list(stored)
        self._repetition = Repetition(stored)
        self._on_differs = on_differs
        self._on_repeated = on_repeated
        self._furthest_byte = 0
        self.song = recording.song
        self.error: ServiceError | None = None
        self.sound_seconds = 0.0
        self.changed = asyncio.Event()
        self.closed = asyncio.Event()
        self._recording = recording
        self._request = request
        self._now_ns = now_ns
        self._backlog = Backlog()
        self._attended = True
        self._on_heard: Callable[[], None] = lambda: None
        recording.sound.on_heard(lambda: self._take(recording.sound.furthest_byte))

    @property
    def ended(self) -> bool:
        """True once the song has ended, so that no more events follow."""
        return self.song.state.ended

    @property
    @override
    def repeats(self) -> bool:
        """True while a song that is made again only repeats events that are already stored."""
        return not (self.ended or self._repetition.done)

    @property
    @override
    def unheard_bytes(self) -> int:
        return self._backlog.size_bytes

    @property
    @override
    def unheard_seconds(self) -> float:
        return self._backlog.seconds

    @property
    @override
    def has_listener(self) -> bool:
        return self._recording.linger_seconds is not None or self._attended

    @override
    def on_heard(self, callback: Callable[[], None]) -> None:
        self._on_heard = callback

    @override
    def append(self, event: SongEvent) -> None:
        if self.ended:
            return
        message = event_message(event, self._request)
        if message.WhichOneof("event") == "progress":
            if self._recording.entries and not self.repeats:
                self._recording.append(message)
            return
        if isinstance(event, Chunk):
            self.sound_seconds += event.duration_seconds
        if (unstored := self._unstored_part(message)) is None:
            return
        entry = LoggedEvent.of(unstored)
        self.entries.append(entry)
        if not self._recording.entries and not entry.end:
            self._recording.append(unstored)  # the event `accepted` was already stored at admission
        if not isinstance(event, Chunk):
            self.song = record_after(self.song, unstored)
        elif not self.repeats:
            self._count_unheard(entry)
        self.changed.set()

    @override
    def end(self, error: ServiceError | None = None) -> None:
        complete = bool(self.entries) and self.entries[-1].message.WhichOneof("event") == "finished"
        if error is not None:
            self._end(SongState.FAILED, error, outcome_of(error).reason)
        elif complete:
            self._end(SongState.COMPLETED, None)
        else:
            self._end(SongState.CANCELLED, SongCancelled("the song was ended before it was complete: request it again"))

    def cancel(self, error: SongCancelled) -> None:
        """Cancel the song: end its events with `error`."""
        self._end(SongState.CANCELLED, error)

    def listened(self, lease_status: LeaseStatus) -> None:
        """Record the furthest byte of the song that listeners on any server have reached, as the status of the lease
        reports it.
        """
        self._attended = lease_status.attended
        if lease_status.attended:
            self._take(lease_status.wanted_byte)
        elif self._backlog.clear():
            self._on_heard()

    def _unstored_part(self, message: Message) -> Message | None:
        """Return the part of an event that is not stored yet; `None` if there is none, or if the song made again
        differs from its stored part, which ends the song.
        """
        repeated = self.repeats
        try:
            unstored = self._repetition.unstored_part(message)
        except SoundDiffers as error:
            logger.error(
                "a song that this server took over differs from its stored part, and fails as INTERRUPTED: song %s: %s",
                self.song.song_id,
                error,
            )
            self._end(SongState.FAILED, EndedElsewhere(INTERRUPTED, DIFFERS_TEXT), INTERRUPTED)
            self._on_differs()
            return None
        if repeated and not self.repeats:
            for entry in self.entries:
                self._count_unheard(entry)
            self._on_repeated()
        return unstored

    def _count_unheard(self, entry: LoggedEvent) -> None:
        if self._attended and self._recording.linger_seconds is not None and entry.end > self._furthest_byte:
            self._backlog.add(entry.end, entry.end - entry.start, entry.message.chunk.duration_seconds)

    def _take(self, byte: int) -> None:
        self._furthest_byte = max(self._furthest_byte, byte)
        if self._backlog.take(byte):
            self._on_heard()

    def _end(self, state: SongState, error: ServiceError | None, reason: str = "") -> None:
        self._on_heard = lambda: None  # this drops the reference to the job, which needs no more calls
        if self.ended:
            return
        self.song = ended_record(self.song, state, self._now_ns(), error, reason)
        self.error = error
        self.changed.set()
        self.closed.set()
