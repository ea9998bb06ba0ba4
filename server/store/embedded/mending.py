"""Repairs the embedded store when it is opened, for example after a crash."""

import logging
from dataclasses import replace

from server.song import SongState
from server.store.base import INTERRUPTED, INTERRUPTED_TEXT, NOT_KEPT, NOT_KEPT_TEXT, SongRecord, StoreFull
from server.store.embedded.files import OWN_NAME, SoundFiles
from server.store.embedded.set_aside import SetAside
from server.store.embedded.table import SongTable

logger = logging.getLogger(__name__)


class Mending:
    """Makes the sound files and the database of an embedded store agree. Only the process that holds the lock of the
    folder may use it.

    Files that are not in the database are never deleted unless they are empty, because the database may be wrong.
    """

    def __init__(self, table: SongTable, files: SoundFiles, aside: SetAside, now_ns: int) -> None:
        self._table = table
        self._files = files
        self._aside = aside
        self._now_ns = now_ns
        self.complete = False
        """True once all repairs were made; False if the disk had no space for them."""
        self.interrupted: list[str] = []
        """Engines of the songs that were being made when the server last ended, one item for each song."""

    def mend(self) -> None:
        """Repair sound files and database when the store is opened, as far as there is disk space."""
        try:
            for song in self._table.unended():
                if not self._files.grows(song.song_id):
                    self._table.update(self._interrupted(song), song.size_bytes)
                    self.interrupted.append(song.engine)
            self._match_files()
            self.complete = True
        except StoreFull as error:
            logger.error(
                "the song store could not be repaired after the last stop, because its disk is full; the server "
                "tries again when there is space: %s",
                error,
            )

    def mend_rest(self) -> None:
        """Make the repairs for which there was no disk space before. Songs made by this process whose final state could
        not be stored are marked as failed.
        """
        if not self.complete:
            self.mend()
            return
        for song in self._table.unended():
            if not self._files.grows(song.song_id):
                self._table.update(_failed(song, NOT_KEPT, NOT_KEPT_TEXT, song.created_ns), song.size_bytes)

    def _match_files(self) -> None:
        sizes = self._files.sizes()
        opened = 0
        missing: list[str] = []
        for song in self._table.ended():
            # A file in a format that only another version of the server knows would count as missing.
            if not self._files.knows(song.format):
                continue
            size_bytes = sizes.pop(song.song_id, None)
            opened += size_bytes is not None and self._files.make_private(song.song_id)
            if size_bytes is None and song.size_bytes > 0:
                missing.append(song.song_id)
            self._match(song, size_bytes)
        growing = [song_id for song_id in sizes if self._files.grows(song_id)]
        self._without_song({song_id: size for song_id, size in sizes.items() if song_id not in growing})
        if opened:
            logger.warning(
                "%d sound files of the song store could be read by other users; the server has made them private",
                opened,
            )
        if missing:
            logger.error(
                "the sound files of %d songs are missing, first that of the song %s, so calls for them fail with "
                "STORE_UNAVAILABLE: restore the files into the folder of the song store from a backup",
                len(missing),
                missing[0],
            )

    def _without_song(self, sizes: dict[str, int]) -> None:
        """Move sound files that belong to no song in the database to a separate folder, and delete empty ones; files of
        other programs stay. `sizes` has the size of each file in bytes, by the file's name without suffix.
        """
        own = {song_id: size for song_id, size in sizes.items() if OWN_NAME.fullmatch(song_id)}
        for song_id in [song_id for song_id, size in own.items() if not size]:
            self._files.delete(song_id)
        self._aside.take([self._files.path(song_id) for song_id, size in own.items() if size], self._now_ns)

    def _match(self, song: SongRecord, size_bytes: int | None) -> None:
        """Make the record and the sound file of one ended song agree in length; `size_bytes` is the size of the file,
        `None` if it is missing.
        """
        if size_bytes is None:
            return
        if size_bytes < song.size_bytes:
            changed = replace(self._interrupted(song), size_bytes=size_bytes, sha256="")
            self._table.shorten(changed, song.size_bytes)
        elif size_bytes > song.size_bytes and self._aside.copy(self._files.path(song.song_id), self._now_ns):
            self._files.cut(song.song_id, song.size_bytes)

    def _interrupted(self, song: SongRecord) -> SongRecord:
        return _failed(song, INTERRUPTED, INTERRUPTED_TEXT, self._now_ns)


def _failed(song: SongRecord, reason: str, text: str, ended_ns: int) -> SongRecord:
    return replace(song, state=SongState.FAILED, reason=reason, error=text, ended_ns=ended_ns)
