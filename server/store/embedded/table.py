"""The database of the embedded store: what happened to which song. Every call may block; all belong to one thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from server.store.base import Place, SongRecord, SongState, StoredEvent, StoreFailed, Usage
from server.store.embedded.files import StoreUnusable

SCHEMA_VERSION = 1
INTERRUPTED_REASON = "INTERRUPTED"
INTERRUPTED = "the server stopped before the song was complete"

_COLUMNS = tuple(field.name for field in fields(SongRecord))
_NAMES = ", ".join(_COLUMNS)
_ENDED = "state IN ('completed', 'failed', 'cancelled')"
_SCHEMA = f"""
CREATE TABLE songs (
    song_id TEXT PRIMARY KEY, caller TEXT NOT NULL, request_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
    engine TEXT NOT NULL, prompt TEXT NOT NULL, seed INTEGER NOT NULL, created_ns INTEGER NOT NULL,
    state TEXT NOT NULL, ended_ns INTEGER, duration_seconds REAL NOT NULL, size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, reason TEXT NOT NULL, error TEXT NOT NULL
) STRICT;
CREATE INDEX songs_by_caller ON songs (caller, created_ns, song_id);
CREATE INDEX songs_by_end ON songs (ended_ns);
CREATE INDEX songs_by_request ON songs (caller, request_id, created_ns);
CREATE TABLE events (
    song_id TEXT NOT NULL REFERENCES songs ON DELETE CASCADE, number INTEGER NOT NULL, end_byte INTEGER NOT NULL,
    payload BLOB NOT NULL, PRIMARY KEY (song_id, number)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""


class SongTable:
    """Songs and their events in one file of the folder."""

    def __init__(self, folder: Path) -> None:
        """Open the database, or make it.

        Raises:
            StoreUnusable: it cannot be opened, is damaged, or was made by a newer version.
        """
        try:
            self._database = sqlite3.connect(
                folder / "songs.sqlite3", isolation_level=None, check_same_thread=False, cached_statements=32
            )
            self._prepare(folder)
        except sqlite3.Error as error:
            raise StoreUnusable(folder, f"has an unusable database ({error})") from error
        self.usage = self._count()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def create(self, song: SongRecord) -> None:
        """Add a song."""
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        with self._transaction():
            self._database.execute(f"INSERT INTO songs ({_NAMES}) VALUES ({marks})", _values(song))
        self.usage = Usage(self.usage.songs + 1, self.usage.size_bytes + song.size_bytes)

    def append(self, song: SongRecord, events: Sequence[StoredEvent]) -> None:
        """Add events, and renew the song's record."""
        with self._transaction():
            (first,) = self._one("SELECT coalesce(max(number) + 1, 0) FROM events WHERE song_id = ?", song.song_id)
            rows = [(song.song_id, first + at, event.end_byte, event.payload) for at, event in enumerate(events)]
            self._database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            self._renew(song)

    def update(self, song: SongRecord) -> None:
        """Renew a song's record."""
        with self._transaction():
            self._renew(song)

    def get(self, song_id: str) -> SongRecord | None:
        """One song."""
        return next(self._songs("WHERE song_id = ?", song_id), None)

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
        rows = self._rows("SELECT payload, end_byte FROM events WHERE song_id = ? ORDER BY number", song_id)
        return song, [StoredEvent(*row) for row in rows]

    def ended(self) -> Sequence[SongRecord]:
        """All songs that have ended."""
        return list(self._songs(f"WHERE {_ENDED}"))

    def ends(self) -> Iterator[tuple[str, int, int]]:
        """Name, end and size of the songs that have ended, the first ended first; nothing may be changed meanwhile."""
        statement = f"SELECT song_id, ended_ns, size_bytes FROM songs WHERE {_ENDED} ORDER BY ended_ns"
        try:
            yield from self._database.execute(statement)
        except sqlite3.Error as error:
            raise _failed(error) from error

    def delete(self, song_id: str) -> None:
        """Remove a song and its events."""
        with self._transaction():
            self._database.execute("DELETE FROM songs WHERE song_id = ?", (song_id,))
        self.usage = self._count()

    def fail_unended(self, now_ns: int) -> None:
        """Mark the songs that nobody makes any more."""
        with self._transaction():
            self._database.execute(
                f"UPDATE songs SET state = 'failed', reason = ?, error = ?, ended_ns = ? WHERE NOT {_ENDED}",
                (INTERRUPTED_REASON, INTERRUPTED, now_ns),
            )

    def cut(self, song: SongRecord, size_bytes: int, now_ns: int) -> None:
        """Forget the sound from `size_bytes` on: a song that has lost some has failed."""
        lost = replace(
            song,
            state=SongState.FAILED,
            size_bytes=size_bytes,
            sha256="",
            reason=INTERRUPTED_REASON,
            error=INTERRUPTED,
            ended_ns=now_ns,
        )
        with self._transaction():
            self._database.execute(
                "DELETE FROM events WHERE song_id = ? AND number >= (SELECT min(number) FROM events WHERE song_id = ? "
                "AND end_byte > ?)",
                (song.song_id, song.song_id, size_bytes),
            )
            self._renew(lost)

    def _prepare(self, folder: Path) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
            self._database.execute(f"PRAGMA {pragma}")
        (version,) = self._one("PRAGMA user_version")
        if version > SCHEMA_VERSION:
            raise StoreUnusable(folder, "was made by a newer version of this server")
        if version == 0:
            self._database.executescript(f"BEGIN; {_SCHEMA} COMMIT;")

    def _renew(self, song: SongRecord) -> None:
        (before,) = self._one("SELECT size_bytes FROM songs WHERE song_id = ?", song.song_id)
        changes = ", ".join(f"{name} = :{name}" for name in _COLUMNS if name != "song_id")
        self._database.execute(f"UPDATE songs SET {changes} WHERE song_id = :song_id", _values(song))
        self.usage = Usage(self.usage.songs, self.usage.size_bytes + song.size_bytes - before)

    def _count(self) -> Usage:
        return Usage(*self._one("SELECT count(*), coalesce(sum(size_bytes), 0) FROM songs"))

    def _songs(self, where: str, *values: object) -> Iterator[SongRecord]:
        return map(_record, self._rows(f"SELECT {_NAMES} FROM songs {where}", *values))

    def _one(self, statement: str, *values: object) -> Any:
        return self._rows(statement, *values)[0]

    def _rows(self, statement: str, *values: object) -> list[Any]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _failed(error) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise _failed(error) from error


def _values(song: SongRecord) -> dict[str, object]:
    return {name: getattr(song, name) for name in _COLUMNS}


def _record(row: Sequence[Any]) -> SongRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    return SongRecord(**values | {"state": SongState(values["state"])})


def _failed(error: sqlite3.Error) -> StoreFailed:
    return StoreFailed(f"the database of the song store failed: {error}")
