"""Schema of the embedded store's SQLite database, and its migrations."""

import sqlite3

MIGRATIONS = (
    """
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
""",
    """
ALTER TABLE songs ADD COLUMN format TEXT NOT NULL DEFAULT 'mp3';
ALTER TABLE songs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE songs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
""",
    """
ALTER TABLE songs ADD COLUMN violations TEXT NOT NULL DEFAULT '[]';
""",
    """
ALTER TABLE songs ADD COLUMN event_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE songs SET event_bytes = (SELECT coalesce(sum(length(payload)), 0) FROM events WHERE song_id = songs.song_id);
DROP INDEX songs_by_end;
CREATE INDEX songs_by_end ON songs (ended_ns, song_id);
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1), believed_ns INTEGER NOT NULL, held_seconds REAL NOT NULL
) STRICT;
""",
)
"""SQL scripts that create or change the tables, one for each version of the schema. Released scripts never change,
because existing databases were made with them.
"""

SCHEMA_VERSION = len(MIGRATIONS)

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "foreign_keys = ON",
    "secure_delete = ON",
    f"journal_size_limit = {4 << 20}",
)


class NewerSchema(Exception):
    """The database file was made by a newer version of this server."""


class ForeignDatabase(Exception):
    """The database file was made by another program."""


def prepare(connection: sqlite3.Connection) -> None:
    """Configure the connection, and create the tables or migrate them to this version.

    Raises:
        NewerSchema: the schema of the database is newer than this server.
        ForeignDatabase: the database has tables, but not those of Melisma.
        sqlite3.Error: the file is not a usable database.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise NewerSchema
    if not version and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
        raise ForeignDatabase
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
