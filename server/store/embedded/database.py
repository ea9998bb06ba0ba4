"""One SQLite database, for one thread. Every call may block, and all errors are StoreFailed."""

import logging
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from server.store.base import StoreFailed
from server.store.embedded.files import StoreUnusable
from server.store.embedded.schema import NewerSchema, prepare

Values: TypeAlias = Sequence[object] | dict[str, object]

logger = logging.getLogger(__name__)


class Database:
    """An open database with the schema of this version."""

    def __init__(self, folder: Path) -> None:
        """Open the database of the folder, or make it.

        Raises:
            StoreUnusable: it cannot be opened, is damaged, or was made by a newer version.
        """
        try:
            self._connection = sqlite3.connect(
                folder / "songs.sqlite3", isolation_level=None, check_same_thread=False, cached_statements=32
            )
            prepare(self._connection)
        except sqlite3.Error as error:
            raise StoreUnusable(folder, f"has an unusable database ({error})") from error
        except NewerSchema as error:
            raise StoreUnusable(folder, "was made by a newer version of this server") from error

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Return all rows of a query."""
        with _failing():
            return self._connection.execute(statement, values).fetchall()

    def each_row(self, statement: str) -> Generator[Any, None, None]:
        """Yield the rows of a query one by one; nothing may be written until it is closed."""
        with _failing(), closing(self._connection.execute(statement)) as rows:
            yield from rows

    def write(self, statement: str, values: Values = ()) -> int:
        """Execute one statement inside a transaction; returns how many rows it has changed."""
        with _failing():
            return self._connection.execute(statement, values).rowcount

    def write_all(self, statement: str, rows: Iterable[Values]) -> None:
        """Execute one statement for each row, inside a transaction."""
        with _failing():
            self._connection.executemany(statement, rows)

    def erase(self) -> None:
        """Empty the write-ahead log, which has copies of what was deleted; the database has zeros in its place."""
        ((busy, _, _),) = self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            logger.warning("what was deleted from the song store is still in its log: another process reads it")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing where it raises."""
        with _failing():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(f"the database of the song store failed: {error}") from error
