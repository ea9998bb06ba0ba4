"""Finds songs, and their records and event logs, in memory and in the store."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

from server.errors import RequestIdReused
from server.logs import bind
from server.song import SongState
from server.songs.persistence import not_kept
from server.songs.recordings.open_recordings import OpenRecordings
from server.songs.recordings.recording import Recording
from server.store.base import Cursor, SongRecord, SongStore, StoredEvent

OpenMirror: TypeAlias = Callable[[SongRecord, Sequence[StoredEvent]], Awaitable[Recording]]

_IN_VAIN = (SongState.FAILED, SongState.CANCELLED)


class Library:
    """Looks up songs: first among the recordings (event logs) in memory, then in the store."""

    def __init__(
        self,
        store: SongStore,
        opened: OpenRecordings,
        mirror: OpenMirror | None = None,
        on_opened: Callable[[Recording], None] | None = None,
    ) -> None:
        """Set up the library. `mirror` opens the event log of a song that another server is making; `on_opened` is
        called with every other event log that is read from the store.
        """
        self._mirror = mirror
        self._on_opened = on_opened
        self._store = store
        self._open = opened

    async def record(self, song_id: str) -> SongRecord | None:
        """Return the present record of a song; `None` for an unknown song id."""
        known = await self._known(song_id)
        song = known.song if known else await self._store.get(song_id)
        return song and self._present(song)

    async def page(self, caller: str, after: Cursor | None, count: int) -> Sequence[SongRecord]:
        """Return up to `count` records of a caller's songs, newest first, after the position `after` in the caller's
        list.
        """
        unstored = [song for song in self._unstored(caller) if _is_behind(song, after)]
        stored = await self._store.page(caller, after, count)
        known = {song.song_id for song in stored}
        new = [song for song in unstored if song.song_id not in known]
        return sorted([*map(self._present, stored), *new], key=_cursor, reverse=True)[:count]

    async def recording(self, song_id: str) -> Recording | None:
        """Return the recording (event log) of a song, from the store if it is not in memory; `None` for an unknown song
        id.
        """
        if known := await self._known(song_id):
            return known
        found = await self._store.load(song_id)
        # Another call may have opened the song meanwhile.
        if (known := self._open.get(song_id)) or found is None:
            return known
        song, events = self._present(found[0]), found[1]
        if not song.state.ended and self._mirror is not None:
            return await self._mirror(song, events)
        recording = Recording(
            song,
            partial(self._store.read, song_id),
            linger_seconds=None,
            on_joined=self._open.joined,
            on_left=self._open.left,
        )
        recording.load(events)
        self._open.found(recording)
        if self._on_opened:
            self._on_opened(recording)
        return recording

    async def asked_before(self, caller: str, request_id: str) -> Recording | None:
        """Return the event log of the newest song that a caller has requested with `request_id`; `None` if there is
        none, or if that song has failed or was cancelled.
        """
        for made in self._open:
            song = made.recording.song
            if (song.caller, song.request_id) == (caller, request_id) and song.state not in _IN_VAIN:
                return made.recording
        stored = await self._store.find(caller, request_id)
        if stored is None or self._present(stored).state in _IN_VAIN:
            return None
        return await self.recording(stored.song_id)

    async def _known(self, song_id: str) -> Recording | None:
        """Return the event log of a song from memory; `None` if there is none, or if another server has deleted the
        song meanwhile.
        """
        known = self._open.get(song_id)
        if known is None or not known.ended or self._store.embedded or self._open.made(song_id):
            return known
        if await self._store.get(song_id) is not None:
            return known
        self._open.deleted(song_id)
        return None

    def _unstored(self, caller: str) -> Sequence[SongRecord]:
        """Return the records of a caller's songs that are being made and whose record is not stored yet."""
        opened = (made.recording for made in self._open)
        return [one.song for one in opened if one.song.caller == caller and not one.keeping.has_begun]

    def _present(self, song: SongRecord) -> SongRecord:
        """Return the up-to-date record of a song, given its stored record. In an embedded store, a song that is
        recorded as not ended, but is not being made, counts as failed with NOT_KEPT.
        """
        if made := self._open.made(song.song_id):
            lost = made.recording.keeping.lost and made.recording.ended
            return not_kept(made.recording.song) if lost else made.recording.song
        return not_kept(song) if self._store.embedded and not song.state.ended else song


def _cursor(song: SongRecord) -> tuple[int, str]:
    return song.created_ns, song.song_id


def _is_behind(song: SongRecord, after: Cursor | None) -> bool:
    return after is None or _cursor(song) < (after.created_ns, after.song_id)


def same_song(recording: Recording, fingerprint: str) -> Recording:
    """Return the `recording` (event log) of the song of an earlier request if the repeated request has the same
    content, as its `fingerprint` (hash) shows. Raises RequestIdReused otherwise.
    """
    if recording.song.fingerprint != fingerprint:
        raise RequestIdReused(recording.song.request_id)
    bind(song_id=recording.song.song_id)
    return recording
