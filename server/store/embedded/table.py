"""The tables of songs and events in the database of the embedded store. Every call may block.

Changes must come from one thread; `get`, `find`, `page` and `load` may be called from any thread.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any

from model.song import Violation
from server.song import SongState
from server.store.base import Cursor, Extent, SongRecord, StoredEvent, StoreFailed, StoreUsage
from server.store.clock import Believed
from server.store.embedded.database import Database
from server.store.eviction import EndedSong, Stored

_COLUMNS = tuple(field.name for field in fields(SongRecord))
_NAMES = ", ".join(_COLUMNS)
_MARKS = ", ".join(f":{name}" for name in _COLUMNS)
_CHANGES = ", ".join(f"{name} = :{name}" for name in _COLUMNS if name != "song_id")
_ENDED = "state IN ('completed', 'failed', 'cancelled')"


class SongTable:
    """The database tables of songs and their events, with running totals of their sizes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stored = self._count()

    @property
    def usage(self) -> StoreUsage:
        """Number of songs in the table, and the total size of their sound in bytes."""
        return StoreUsage(self._stored.songs, self._stored.size_bytes)

    @property
    def stored(self) -> Stored:
        """Number of songs in the table, and the total sizes of their sound and events in bytes."""
        return self._stored

    def create(self, song: SongRecord) -> None:
        """Add the row of a new song to the table."""
        with self._database.transaction():
            self._database.write(f"INSERT INTO songs ({_NAMES}) VALUES ({_MARKS})", _values(song))
        self._add(songs=1, size_bytes=song.size_bytes)

    def append(self, song: SongRecord, events: Sequence[StoredEvent], at: Extent) -> None:
        """Append events to the events of a song, whose length so far is `at`, and update the song's record."""
        rows = [(song.song_id, at.events + number, one.end_byte, one.payload) for number, one in enumerate(events)]
        added_bytes = sum(len(one.payload) for one in events)
        with self._database.transaction():
            self._database.write_all("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            self._database.write(
                "UPDATE songs SET event_bytes = event_bytes + ? WHERE song_id = ?", (added_bytes, song.song_id)
            )
            self._renew(song)
        self._add(size_bytes=song.size_bytes - at.size_bytes, event_bytes=added_bytes)

    def update(self, song: SongRecord, size_bytes: int) -> None:
        """Replace the record of a song; `size_bytes` is the size of its sound before the change."""
        with self._database.transaction():
            self._renew(song)
        self._add(size_bytes=song.size_bytes - size_bytes)

    def shorten(self, song: SongRecord, size_bytes: int) -> None:
        """Replace the record of a song whose sound file is shorter than `size_bytes`, the recorded size, and delete the
        events from the missing sound on.
        """
        with self._database.transaction():
            self._database.write(
                "DELETE FROM events WHERE song_id = ? AND number >= (SELECT min(number) FROM events WHERE song_id = ? "
                "AND end_byte > ?)",
                (song.song_id, song.song_id, song.size_bytes),
            )
            self._renew(song)
        self._add(size_bytes=song.size_bytes - size_bytes)

    def delete(self, song_ids: Collection[str]) -> None:
        """Delete the rows of songs and their events, atomically."""
        marks = ", ".join("?" * len(song_ids))
        where = f"FROM songs WHERE song_id IN ({marks})"
        with self._database.transaction():
            ((songs, size_bytes, event_bytes),) = self._database.rows(
                f"SELECT count(*), coalesce(sum(size_bytes), 0), coalesce(sum(event_bytes), 0) {where}", *song_ids
            )
            self._database.write(f"DELETE {where}", tuple(song_ids))
        self._add(songs=-songs, size_bytes=-size_bytes, event_bytes=-event_bytes)

    def get(self, song_id: str) -> SongRecord | None:
        """Return the record of a song; `None` for an unknown id."""
        return next(self._songs("WHERE song_id = ?", song_id), None)

    def extent(self, song_id: str) -> Extent:
        """Return the length of the stored part of a song: bytes of sound and number of events. Raises StoreFailed for
        an unknown id.
        """
        rows = self._database.rows(
            "SELECT size_bytes, (SELECT coalesce(max(number) + 1, 0) FROM events WHERE song_id = songs.song_id) "
            "FROM songs WHERE song_id = ?",
            song_id,
        )
        if not rows:
            raise StoreFailed(
                f"the song store has no song {song_id}: it was deleted, or its database is an older backup"
            )
        return Extent(*rows[0])

    def find(self, caller: str, request_id: str) -> SongRecord | None:
        """Return the record of the newest song that a caller has requested with `request_id`; `None` if there is
        none.
        """
        return next(
            self._songs("WHERE caller = ? AND request_id = ? ORDER BY created_ns DESC", caller, request_id), None
        )

    def page(self, caller: str, after: Cursor | None, count: int) -> Sequence[SongRecord]:
        """Return the records of up to `count` songs of a caller, newest first, after the position `after` in the
        list.
        """
        order = "ORDER BY created_ns DESC, song_id DESC LIMIT ?"
        if after is None:
            return list(self._songs(f"WHERE caller = ? {order}", caller, count))
        where = f"WHERE caller = ? AND (created_ns, song_id) < (?, ?) {order}"
        return list(self._songs(where, caller, after.created_ns, after.song_id, count))

    def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """Return the record of a song and its events, in order, both from one snapshot of the database; `None` for an
        unknown id.
        """
        with self._database.snapshot():
            if (song := self.get(song_id)) is None:
                return None
            rows = self._database.rows(
                "SELECT payload, end_byte FROM events WHERE song_id = ? ORDER BY number", song_id
            )
        return song, [StoredEvent(*row) for row in rows]

    def unended(self) -> Sequence[SongRecord]:
        """Return the records of all songs that have not ended."""
        return list(self._songs(f"WHERE NOT {_ENDED}"))

    def ended(self) -> Sequence[SongRecord]:
        """Return the records of all songs that have ended."""
        return list(self._songs(f"WHERE {_ENDED}"))

    def ends(self, after: EndedSong | None, count: int) -> Sequence[EndedSong]:
        """Return up to `count` ended songs in the order in which they ended, beginning after the song `after`; with
        `None` from the first song on.
        """
        behind = (after.ended_ns, after.song_id) if after else (-1, "")
        rows = self._database.rows(
            "SELECT song_id, ended_ns, size_bytes, event_bytes FROM songs "
            f"WHERE {_ENDED} AND (ended_ns, song_id) > (?, ?) ORDER BY ended_ns, song_id LIMIT ?",
            *behind,
            count,
        )
        return [EndedSong(*row) for row in rows]

    def believed(self) -> Believed | None:
        """Return the stored state of the clock for the age of songs; if there is none, the time of the newest song, or
        `None` without songs.
        """
        for row in self._database.rows("SELECT believed_ns, held_seconds FROM clock"):
            return Believed(*row)
        ((newest_ns,),) = self._database.rows("SELECT max(max(created_ns, coalesce(ended_ns, 0))) FROM songs")
        return None if newest_ns is None else Believed(newest_ns)

    def believe(self, believed: Believed) -> None:
        """Store the state of the clock for the age of songs."""
        with self._database.transaction():
            values = (believed.now_ns, believed.held_seconds)
            self._database.write("INSERT OR REPLACE INTO clock VALUES (1, ?, ?)", values)

    def _renew(self, song: SongRecord) -> None:
        self._database.write(f"UPDATE songs SET {_CHANGES} WHERE song_id = :song_id", _values(song))

    def _add(self, *, songs: int = 0, size_bytes: int = 0, event_bytes: int = 0) -> None:
        now = self._stored
        self._stored = Stored(now.songs + songs, now.size_bytes + size_bytes, now.event_bytes + event_bytes)

    def _count(self) -> Stored:
        (counts,) = self._database.rows(
            "SELECT count(*), coalesce(sum(size_bytes), 0), coalesce(sum(event_bytes), 0) FROM songs"
        )
        return Stored(*counts)

    def _songs(self, where: str, *values: object) -> Iterator[SongRecord]:
        return map(_record, self._database.rows(f"SELECT {_NAMES} FROM songs {where}", *values))


def _values(song: SongRecord) -> dict[str, object]:
    values = {name: getattr(song, name) for name in _COLUMNS}
    return values | {"violations": json.dumps([[one.field, one.description] for one in song.violations])}


def _record(row: Sequence[Any]) -> SongRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    try:
        violations = tuple(Violation(*one) for one in json.loads(values["violations"]))
        song = SongRecord(**values | {"state": SongState(values["state"]), "violations": violations})
    except (ValueError, TypeError) as error:
        raise StoreFailed(
            "the database of the song store is damaged, restore it from a backup: the row of the song "
            f"{values['song_id']!r} in the table songs is invalid ({error})"
        ) from error
    numbers = (song.size_bytes, song.seed, song.created_ns, song.ended_ns or 0)
    if min(numbers) < 0 or not isfinite(song.duration_seconds) or "/" in song.song_id:
        raise StoreFailed(
            "the database of the song store is damaged, restore it from a backup: the row of the song "
            f"{song.song_id!r} in the table songs is invalid"
        )
    return song
