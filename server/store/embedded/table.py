"""Songs and their events in the database of the embedded store. Every call may block; all belong to one thread."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from typing import Any

from model.song import Violation
from server.song import SongState
from server.store.base import Extent, Place, SongRecord, StoredEvent, StoreFailed, Usage
from server.store.embedded.database import Database
from server.store.eviction import EndedSong

_COLUMNS = tuple(field.name for field in fields(SongRecord))
_NAMES = ", ".join(_COLUMNS)
_MARKS = ", ".join(f":{name}" for name in _COLUMNS)
_CHANGES = ", ".join(f"{name} = :{name}" for name in _COLUMNS if name != "song_id")
_ENDED = "state IN ('completed', 'failed', 'cancelled')"


class SongTable:
    """Songs and their events, and how much there is of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.usage = self._count()

    def create(self, song: SongRecord) -> None:
        """Add a song."""
        with self._database.transaction():
            self._database.write(f"INSERT INTO songs ({_NAMES}) VALUES ({_MARKS})", _values(song))
        self.usage = Usage(self.usage.songs + 1, self.usage.size_bytes + song.size_bytes)

    def append(self, song: SongRecord, events: Sequence[StoredEvent], at: Extent) -> None:
        """Add events behind `at`, and renew the song's record."""
        rows = [(song.song_id, at.events + number, one.end_byte, one.payload) for number, one in enumerate(events)]
        with self._database.transaction():
            self._database.write_all("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            self._renew(song, at.size_bytes)

    def update(self, song: SongRecord, size_bytes: int) -> None:
        """Renew the record of a song that had `size_bytes`."""
        with self._database.transaction():
            self._renew(song, size_bytes)

    def shorten(self, song: SongRecord, size_bytes: int) -> None:
        """Renew the record of a song that has less than its `size_bytes`, and forget the events from the loss on."""
        with self._database.transaction():
            self._database.write(
                "DELETE FROM events WHERE song_id = ? AND number >= (SELECT min(number) FROM events WHERE song_id = ? "
                "AND end_byte > ?)",
                (song.song_id, song.song_id, song.size_bytes),
            )
            self._renew(song, size_bytes)

    def delete(self, song_id: str) -> None:
        """Remove a song and its events."""
        with self._database.transaction():
            self._database.write("DELETE FROM songs WHERE song_id = ?", (song_id,))
        self.usage = self._count()

    def get(self, song_id: str) -> SongRecord | None:
        """One song."""
        return next(self._songs("WHERE song_id = ?", song_id), None)

    def extent(self, song_id: str) -> Extent:
        """The stored part of a song; raises StoreFailed where there is none of that name."""
        rows = self._database.rows(
            "SELECT size_bytes, (SELECT coalesce(max(number) + 1, 0) FROM events WHERE song_id = songs.song_id) "
            "FROM songs WHERE song_id = ?",
            song_id,
        )
        if not rows:
            raise StoreFailed(f"the song store has no song {song_id}")
        return Extent(*rows[0])

    def find(self, caller: str, request_id: str) -> SongRecord | None:
        """The newest song with that request."""
        return next(
            self._songs("WHERE caller = ? AND request_id = ? ORDER BY created_ns DESC", caller, request_id), None
        )

    def page(self, caller: str, after: Place | None, count: int) -> Sequence[SongRecord]:
        """A caller's songs, newest first."""
        order = "ORDER BY created_ns DESC, song_id DESC LIMIT ?"
        if after is None:
            return list(self._songs(f"WHERE caller = ? {order}", caller, count))
        where = f"WHERE caller = ? AND (created_ns, song_id) < (?, ?) {order}"
        return list(self._songs(where, caller, after.created_ns, after.song_id, count))

    def load(self, song_id: str) -> tuple[SongRecord, Sequence[StoredEvent]] | None:
        """A song and its events, in order."""
        if (song := self.get(song_id)) is None:
            return None
        rows = self._database.rows("SELECT payload, end_byte FROM events WHERE song_id = ? ORDER BY number", song_id)
        return song, [StoredEvent(*row) for row in rows]

    def unended(self) -> Sequence[SongRecord]:
        """All songs that have not ended."""
        return list(self._songs(f"WHERE NOT {_ENDED}"))

    def ended(self) -> Sequence[SongRecord]:
        """All songs that have ended."""
        return list(self._songs(f"WHERE {_ENDED}"))

    def ends(self) -> Generator[EndedSong, None, None]:
        """The songs that have ended, the first ended first; nothing may be changed until it is closed."""
        query = f"SELECT song_id, ended_ns, size_bytes FROM songs WHERE {_ENDED} ORDER BY ended_ns"
        with closing(self._database.each_row(query)) as rows:
            for row in rows:
                yield EndedSong(*row)

    def _renew(self, song: SongRecord, size_bytes: int) -> None:
        self._database.write(f"UPDATE songs SET {_CHANGES} WHERE song_id = :song_id", _values(song))
        self.usage = Usage(self.usage.songs, self.usage.size_bytes + song.size_bytes - size_bytes)

    def _count(self) -> Usage:
        (counts,) = self._database.rows("SELECT count(*), coalesce(sum(size_bytes), 0) FROM songs")
        return Usage(*counts)

    def _songs(self, where: str, *values: object) -> Iterator[SongRecord]:
        return map(_record, self._database.rows(f"SELECT {_NAMES} FROM songs {where}", *values))


def _values(song: SongRecord) -> dict[str, object]:
    values = {name: getattr(song, name) for name in _COLUMNS}
    return values | {"violations": json.dumps([[one.field, one.description] for one in song.violations])}


def _record(row: Sequence[Any]) -> SongRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    violations = tuple(Violation(*one) for one in json.loads(values["violations"]))
    return SongRecord(**values | {"state": SongState(values["state"]), "violations": violations})
