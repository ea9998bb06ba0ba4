"""Queues of one encoder process for the sound of its songs, between the receiving threads and the encoding thread."""

import threading
from collections import deque
from typing import TypeAlias

from server.encoders.messages import CloseSong, EncoderPing
from server.encoders.song_inbox import SongInbox, Work
from server.workers.sound.messages import OpenSong, SoundMessage

MAX_WAITING_BYTES = 32 << 20
"""Most bytes of sound of one attempt at a song that may wait to be encoded; the server pauses the song long before."""

_REMEMBERED_SONGS = 4096


class QueuesStopped(Exception):
    """Raised by queues that were stopped and return no more work."""


SongWork: TypeAlias = tuple[str, Work]


class SongQueues:
    """The queues of all songs' sound in an encoder process. Songs are served in turn, one window of each.
    Thread-safe.
    """

    def __init__(self, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        self._max_waiting_bytes = max_waiting_bytes
        self._changed = threading.Condition()
        self._inboxes: dict[str, SongInbox] = {}
        self._turns: dict[str, None] = {}
        self._orders: deque[CloseSong | EncoderPing] = deque()
        self._closed: dict[str, None] = {}
        self._stopped = False

    def put(self, message: SoundMessage) -> None:
        """Queue a message of a worker; block while too much sound of the song is queued. Messages of closed songs are
        dropped.
        """
        song_id, attempt = message.song if isinstance(message, OpenSong) else message.section.song
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(song_id, attempt))
            if isinstance(message, OpenSong):
                self._open(message)
            elif (inbox := self._inboxes.get(song_id)) is not None:
                inbox.put(message)
            if song_id in self._inboxes:
                self._turns.setdefault(song_id)
                self._changed.notify_all()

    def order(self, order: CloseSong | EncoderPing) -> None:
        """Queue a command of the server, which is handled before any sound."""
        with self._changed:
            if isinstance(order, CloseSong):
                self._close(order.song_id)
            self._orders.append(order)
            self._changed.notify_all()

    def take(self) -> CloseSong | EncoderPing | SongWork:
        """Wait for the next command of the server or item of work, and return it.

        Raises:
            QueuesStopped: the queues were stopped.
        """
        with self._changed:
            while (taken := self._next()) is None:
                self._changed.wait()
            return taken

    def take_now(self) -> CloseSong | EncoderPing | SongWork | None:
        """Return the next command of the server or item of work without waiting; `None` if there is none.

        Raises:
            QueuesStopped: the queues were stopped.
        """
        with self._changed:
            return self._next()

    def close(self, song_id: str) -> None:
        """Drop the waiting sound of a song, and ignore sound of it that still arrives."""
        with self._changed:
            self._close(song_id)
            self._changed.notify_all()

    def stop(self) -> None:
        """Wake all waiting threads; `take` raises QueuesStopped from now on."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _next(self) -> CloseSong | EncoderPing | SongWork | None:
        if self._stopped:
            raise QueuesStopped
        if self._orders:
            return self._orders.popleft()
        if (work := self._next_work()) is not None:
            self._changed.notify_all()
        return work

    def _has_room(self, song_id: str, attempt: int) -> bool:
        inbox = self._inboxes.get(song_id)
        return self._stopped or inbox is None or inbox.waiting_bytes(attempt) < self._max_waiting_bytes

    def _open(self, opened: OpenSong) -> None:
        song_id = opened.song.song_id
        if song_id in self._inboxes:
            self._inboxes[song_id].open(opened)
        elif song_id not in self._closed:
            self._inboxes[song_id] = SongInbox(opened)

    def _close(self, song_id: str) -> None:
        self._inboxes.pop(song_id, None)
        self._turns.pop(song_id, None)
        self._closed[song_id] = None
        if len(self._closed) > _REMEMBERED_SONGS:
            del self._closed[next(iter(self._closed))]

    def _next_work(self) -> SongWork | None:
        while self._turns:
            song_id = next(iter(self._turns))
            del self._turns[song_id]
            if (work := self._inboxes[song_id].take()) is not None:
                self._turns[song_id] = None
                return song_id, work
        return None
