"""An SQLite database in which one thread writes while others read. Calls may block, and all errors are StoreFailed."""

import errno
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from server.store.base import StoreFailed, StoreFull
from server.store.embedded.files import OTHER_FOLDER, PRIVATE_FILE, StoreUnusable, make_private
from server.store.embedded.schema import ForeignDatabase, NewerSchema, prepare

Values: TypeAlias = Sequence[object] | dict[str, object]

_NO_ROOM: Final = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMMAP")
_READ_TIMEOUT_SECONDS: Final = 0.5
RESTORE: Final = (
    "put a backup of songs.sqlite3 in its place; or move songs.sqlite3, songs.sqlite3-wal and songs.sqlite3-shm away, "
    f"and the server starts with an empty store and moves the sound files to a folder of their own; or {OTHER_FOLDER}"
)

logger = logging.getLogger(__name__)


class Database:
    """The open SQLite database of the embedded store, with the schema of this version. The thread that opens the
    database is its writer.

    Other threads read committed data through their own connections, and wait neither for the writer nor for another
    process that locks the database. `alone` is True if the disk has no space for the readers' shared-memory file; only
    the writer's thread may read then.
    """

    def __init__(self, folder: Path) -> None:
        """Open the database in the folder, or create it.

        Raises:
            StoreUnusable: the database cannot be opened, is damaged, or was made by a newer version or another program.
        """
        self._path = folder / "songs.sqlite3"
        self._of_thread = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self.alone = False
        try:
            self._path.touch(PRIVATE_FILE)
            self._writer = self._of_thread.connection = self._opened(folder)
            self._make_private()
        except (sqlite3.Error, OSError) as error:
            self.close()
            if _lacks_room(error):
                raise StoreUnusable(
                    f"the disk of the song store {folder} is full: free space on the disk, or {OTHER_FOLDER}"
                ) from error
            raise StoreUnusable(
                f"the database songs.sqlite3 of the song store {folder} cannot be opened ({error}): {RESTORE}"
            ) from error
        except NewerSchema as error:
            self.close()
            raise StoreUnusable(
                f"the song store {folder} was made by a newer version of this server: update the server, or "
                f"{OTHER_FOLDER}"
            ) from error
        except ForeignDatabase as error:
            self.close()
            raise StoreUnusable(
                f"the database songs.sqlite3 in the folder {folder} was made by another program: {OTHER_FOLDER}"
            ) from error

    def close(self) -> None:
        """Close all connections to the database; no thread may be reading."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Return all rows that the SQL query `statement` selects, with `values` for its placeholders; may be called
        from any thread.
        """
        with _failing():
            return self._connection().execute(statement, values).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Context manager in which all queries of the calling thread read one snapshot of the database."""
        with _failing():
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                yield
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    def write(self, statement: str, values: Values = ()) -> int:
        """Execute one SQL statement, with `values` for its placeholders, inside a transaction; return the number of
        changed rows.
        """
        with _failing():
            return self._writer.execute(statement, values).rowcount

    def write_all(self, statement: str, rows: Iterable[Values]) -> None:
        """Execute an SQL statement inside a transaction, once for each item of `rows`: the values for the statement's
        placeholders.
        """
        with _failing():
            self._writer.executemany(statement, rows)

    def erase(self) -> None:
        """Empty the write-ahead log, which contains copies of deleted rows. In the database file itself SQLite
        overwrites deleted rows with zeros.
        """
        try:
            ((busy, _, _),) = self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        except StoreFailed as error:
            logger.warning(
                "the write-ahead log of the song store still has the data of deleted songs; the next deletion tries "
                "again: %s",
                error,
            )
            return
        if busy:
            logger.warning(
                "the write-ahead log of the song store still has the data of deleted songs, because another process "
                "reads the database: end that process"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Context manager for one transaction: commits all writes at its end, or rolls them back if an exception is
        raised.
        """
        with _failing():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._writer.execute("COMMIT")
            except BaseException as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                if _lacks_room(error):
                    with suppress(sqlite3.Error):
                        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # this frees the disk space of the log
                raise

    def _make_private(self) -> None:
        for path in (self._path, *(self._path.with_name(f"{self._path.name}{end}") for end in ("-wal", "-shm"))):
            if make_private(path):
                logger.warning(
                    "the file %s of the song store could be read by other users; the server has made it private", path
                )

    def _opened(self, folder: Path) -> sqlite3.Connection:
        connection = self._connect(timeout=5.0)
        try:
            prepare(connection)
        except sqlite3.Error as error:
            if not _lacks_room(error):
                raise
            connection.close()
            connection = self._connect(timeout=5.0)
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # this mode needs no shared-memory file
            prepare(connection)
            self.alone = True
            logger.error(
                "the disk of the song store is full: no song can be stored until there is free space in %s", folder
            )
        return connection

    def _connection(self) -> sqlite3.Connection:
        """Return the database connection of the calling thread, opened if necessary."""
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._connect(timeout=_READ_TIMEOUT_SECONDS)
            connection.execute("PRAGMA query_only = ON")
        return connection

    def _connect(self, timeout: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        self._connections.append(connection)
        return connection


def failed(error: BaseException) -> StoreFailed:
    """Convert an error of the database to StoreFailed, or to StoreFull if the disk is full."""
    kind = StoreFull if _lacks_room(error) else StoreFailed
    return kind(f"the database of the song store has failed: {error}")


def _lacks_room(error: BaseException) -> bool:
    """Return True if an error of SQLite, the system or the store means that the disk is full."""
    if isinstance(error, StoreFull) or getattr(error, "errno", None) == errno.ENOSPC:
        return True
    return getattr(error, "sqlite_errorname", "") in _NO_ROOM


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        raise failed(error) from error
