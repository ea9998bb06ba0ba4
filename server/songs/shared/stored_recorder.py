"""Takes the events of a song whose listeners hear only what is stored, and keeps its sound until its end is."""

import asyncio
from collections.abc import Callable

from typing_extensions import override

from server.contract.events import event_message
from server.contract.status import outcome_of
from server.errors import ServiceError, SongCancelled
from server.song import Chunk, SongEvent, SongRequest, SongState
from server.songs.backlog import Backlog
from server.songs.entry import Entry
from server.songs.ports import EventSink
from server.songs.recording import Recording, ended_record, record_after
from server.store.directory import Standing


class StoredRecorder(EventSink):
    """The sink of one song's events: `entries` are all of them, `song` is the record as of the last one.

    Once the song has ended, `error` is for those who listen then.
    """

    def __init__(self, heard: Recording, request: SongRequest, now_ns: Callable[[], int]) -> None:
        """`heard` is what listeners of this replica follow. `now_ns` is the wall clock."""
        self.entries: list[Entry] = []
        self.song = heard.song
        self.error: ServiceError | None = None
        self.sound_seconds = 0.0
        self.news = asyncio.Event()
        self.over = asyncio.Event()
        self._heard = heard
        self._request = request
        self._now_ns = now_ns
        self._backlog = Backlog()
        self._attended = True
        self._on_heard: Callable[[], None] = lambda: None
        heard.sound.on_heard(lambda: self._take(heard.sound.furthest_byte))

    @property
    def ended(self) -> bool:
        """True once nothing more comes."""
        return self.song.state.ended

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
        return self._heard.linger_seconds is not None or self._attended

    @override
    def on_heard(self, callback: Callable[[], None]) -> None:
        self._on_heard = callback

    @override
    def append(self, event: SongEvent) -> None:
        if self.ended:
            return
        message = event_message(event, self._request)
        if message.WhichOneof("event") == "progress":
            if self._heard.entries:
                self._heard.tell(message)
            return
        entry = Entry.of(message)
        self.entries.append(entry)
        if not self._heard.entries and not entry.end:
            self._heard.tell(message)  # that the song is accepted is stored by its admission
        if isinstance(event, Chunk):
            self.sound_seconds += event.duration_seconds
            if self._attended and self._heard.linger_seconds is not None:
                self._backlog.add(entry.end, entry.end - entry.start, event.duration_seconds)
        else:
            self.song = record_after(self.song, message)
        self.news.set()

    @override
    def end(self, error: ServiceError | None = None) -> None:
        complete = bool(self.entries) and self.entries[-1].message.WhichOneof("event") == "finished"
        if error is not None:
            self._end(SongState.FAILED, error, outcome_of(error).reason)
        elif complete:
            self._end(SongState.COMPLETED, None)
        else:
            self._end(SongState.CANCELLED, SongCancelled("the song has ended"))

    def cancel(self, error: SongCancelled) -> None:
        """End the song at somebody's wish."""
        self._end(SongState.CANCELLED, error)

    def listened(self, standing: Standing) -> None:
        """Note how far listeners of all replicas have got."""
        self._attended = standing.attended
        if standing.attended:
            self._take(standing.wanted_byte)
        elif self._backlog.clear():
            self._on_heard()

    def _take(self, byte: int) -> None:
        if self._backlog.take(byte):
            self._on_heard()

    def _end(self, state: SongState, error: ServiceError | None, reason: str = "") -> None:
        self._on_heard = lambda: None  # lets go of the job, which has no use for it any more
        if self.ended:
            return
        self.song = ended_record(self.song, state, self._now_ns(), error, reason)
        self.error = error
        self.news.set()
        self.over.set()
