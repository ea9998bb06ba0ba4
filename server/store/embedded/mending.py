"""Repair of the embedded store at start, after whatever ended the last server."""

from dataclasses import replace

from server.song import SongState
from server.store.base import INTERRUPTED, INTERRUPTED_TEXT, SongRecord
from server.store.embedded.files import SoundFiles
from server.store.embedded.table import SongTable


def mend(table: SongTable, files: SoundFiles, now_ns: int) -> None:
    """Bring files and database into agreement. Only for who holds the lock of the folder: nobody else makes songs."""
    for song in table.unended():
        table.update(_interrupted(song, now_ns), song.size_bytes)
    sizes = files.sizes()
    for song in table.ended():
        # The file of a format that only another version of the server knows would pass for lost.
        if files.knows(song.format):
            _match(song, sizes.pop(song.song_id, None), table, files, now_ns)
    for song_id in sizes:
        files.delete(song_id)


def _match(song: SongRecord, size_bytes: int | None, table: SongTable, files: SoundFiles, now_ns: int) -> None:
    """Make record and file of one song agree; `size_bytes` is that of the file, `None` where there is none."""
    if size_bytes is None:
        table.delete(song.song_id)
    elif size_bytes < song.size_bytes:
        table.shorten(replace(_interrupted(song, now_ns), size_bytes=size_bytes, sha256=""), song.size_bytes)
    elif size_bytes > song.size_bytes:
        files.cut(song.song_id, song.size_bytes)


def _interrupted(song: SongRecord, now_ns: int) -> SongRecord:
    return replace(song, state=SongState.FAILED, reason=INTERRUPTED, error=INTERRUPTED_TEXT, ended_ns=now_ns)
