"""Stores songs in the open folder of the embedded store: a database and sound files. Every call may block, and must
come from the thread that writes.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from server.store.base import Extent, Lease, LeaseLost, SongRecord, StoredEvent, StoreFailed, WrongOffset
from server.store.clock import AgeClock, Believed
from server.store.embedded.database import RESTORE, Database
from server.store.embedded.files import SoundFiles, StoreUnusable, failed, locked
from server.store.embedded.leases import Leases
from server.store.embedded.mending import Mending
from server.store.embedded.set_aside import SetAside
from server.store.embedded.table import SongTable
from server.store.eviction import EndedSong, StoreLimits, evicted

BATCH_SONGS: Final = 20
"""Number of songs that are deleted in one batch; writes of other songs wait for the whole batch."""

_PAGE: Final = 200
_BELIEVED_STEP_NS: Final = 60 * 1_000_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result of one batch of deletions: the number of deleted songs, the song after which to continue (`after`),
    and, as `more`, True if further songs may have to be deleted.
    """

    deleted: int
    after: EndedSong | None
    more: bool


class OpenedFolder:
    """The open folder of the embedded store: a database, and the sound files of all songs."""

    def __init__(
        self, folder: Path, limits: StoreLimits, suffixes: Mapping[str, str], now_ns: Callable[[], int]
    ) -> None:
        """Open the folder, which is created if needed, and repair its contents. `suffixes` has the file suffix of each
        delivery format; `now_ns` returns wall-clock time in nanoseconds since 1970.

        Raises:
            StoreUnusable: the folder cannot be used, or is in use by another server.
        """
        self.leases = Leases()
        self._stuck: set[str] = set()
        self._limits = limits
        self._lock = locked(folder)
        try:
            self.files = SoundFiles(folder, suffixes)
            self.database = Database(folder)
            try:
                self._begin(folder, limits, suffixes, now_ns)
            except BaseException:
                self.database.close()
                raise
        except BaseException:
            self._lock.close()
            raise

    def _begin(self, folder: Path, limits: StoreLimits, suffixes: Mapping[str, str], now_ns: Callable[[], int]) -> None:
        try:
            self.table = SongTable(self.database)
            known = self.table.believed()
            self.aside = SetAside(folder, limits, suffixes.values())
            self._mending = Mending(self.table, self.files, self.aside, now_ns())
            self._mending.mend()
            self.database.erase()
        except (StoreFailed, OSError) as error:
            raise StoreUnusable(f"the song store {folder} cannot be read ({error}): {RESTORE}") from error
        self._clock = AgeClock(now_ns, time.monotonic, known)
        self._kept = known or Believed(0)

    def take_interrupted(self) -> list[str]:
        """Return the engines of the songs that were found interrupted (not ended, and made by no server) since the last
        call of this method, one item for each song.
        """
        found, self._mending.interrupted = self._mending.interrupted, []
        return found

    def close(self) -> None:
        """Close the database and all files, and unlock the folder."""
        self.files.close()
        self.database.close()
        self._lock.close()

    def admit(self, song: SongRecord) -> None:
        """Store the record of an admitted song that no server makes yet."""
        self.table.create(song)
        self.files.create(song.song_id, song.format)

    def create(self, song: SongRecord, lease: Lease) -> None:
        """Store the record of a song under its lease, unless the record was stored at admission."""
        self.leases.require(lease)
        if not self.files.grows(song.song_id):
            self.admit(_owned(song, lease))

    def append(self, song: SongRecord, events: Sequence[StoredEvent], sound: bytes, lease: Lease, at: Extent) -> None:
        """Store sound of a song, then its events, so that the database never describes missing sound. `at` is the
        length of the part stored so far.
        """
        self.leases.require(lease)
        extent = self.table.extent(song.song_id)
        if not self.files.grows(song.song_id):
            raise LeaseLost(song.song_id)
        _check(song.song_id, extent, at)
        self.files.append(song.song_id, at.size_bytes, sound)
        self.table.append(replace(_owned(song, lease), size_bytes=at.size_bytes + len(sound)), events, at)

    def end(self, song: SongRecord, lease: Lease, at: Extent) -> None:
        """Flush a song's sound to the disk, then store its final record in the database. `at` is the length of the
        stored part.
        """
        if self._ended_by(lease):
            return
        self.leases.require(lease)
        _check(song.song_id, self.table.extent(song.song_id), at)
        self.files.finish(song.song_id)
        self.table.update(replace(_owned(song, lease), size_bytes=at.size_bytes), at.size_bytes)

    def discard(self, lease: Lease) -> None:
        """Delete the sound, then the record and the events of a song, under its lease."""
        self.leases.require(lease)
        self.files.delete(lease.song_id)
        self.table.delete([lease.song_id])

    def delete(self, song_id: str, *, unsettled: bool) -> bool:
        """Delete the sound, then the record and the events of a song; return False if the song does not exist or is
        running. `unsettled` is True if the song directory still has the song as waiting or running. If the deletion
        fails after the sound is deleted, the record is still there, so the deletion can be found and repeated.
        """
        song = self.table.get(song_id)
        if song is None or (unsettled and not song.state.ended):
            return False
        self.files.delete(song_id)
        self.table.delete([song_id])
        self.database.erase()
        return True

    def evict(self, in_use: Collection[str], after: EndedSong | None) -> Cleaned:
        """Delete one batch of ended songs that exceed the limits, oldest first; songs up to the song `after`, in the
        order in which they ended, are skipped.
        """
        now_ns = self._believed_ns()
        songs = self.table.ends(after, _PAGE)
        stay = self._stuck.union(in_use)
        victims = evicted(songs, self._limits, stored=self.table.stored, now_ns=now_ns, in_use=stay)
        if chosen := list(islice(victims, BATCH_SONGS)):
            gone = [song_id for song_id in chosen if self._deletes_file(song_id)]
            if gone:
                self.table.delete(gone)
            return Cleaned(len(gone), after, more=True)
        kept = len(songs) == _PAGE and all(song.song_id in stay for song in songs)
        return Cleaned(0, songs[-1] if songs else after, more=kept)

    def tidy(self) -> None:
        """Retry repairs that have failed for lack of disk space, and delete files above the limits from the folder for
        sound files without a song.
        """
        self._stuck.clear()
        try:
            self._mending.mend_rest()
            self.aside.evict(self._believed_ns())
        except OSError as error:
            raise failed(error) from error

    def _deletes_file(self, song_id: str) -> bool:
        """Delete the sound file of a song. This comes before the deletion of the song's row, so that no file without a
        song is left.

        Returns False if the deletion fails; the song is then skipped until the next call of `tidy`.
        """
        try:
            self.files.delete(song_id)
        except StoreFailed as error:
            logger.error(
                "the sound file of the old song %s could not be deleted; the server tries again later: %s",
                song_id,
                error,
                extra={"song_id": song_id},
            )
            self._stuck.add(song_id)
            return False
        return True

    def _believed_ns(self) -> int:
        now_ns = self._clock.now_ns()
        believed = self._clock.believed
        if abs(believed.now_ns - self._kept.now_ns) > _BELIEVED_STEP_NS:
            with suppress(StoreFailed):
                self.table.believe(believed)
                self._kept = believed
        return now_ns

    def _ended_by(self, lease: Lease) -> bool:
        if self.files.grows(lease.song_id) or (song := self.table.get(lease.song_id)) is None:
            return False
        return song.state.ended and (song.owner, song.epoch) == (lease.replica, lease.epoch)


def _owned(song: SongRecord, lease: Lease) -> SongRecord:
    return replace(song, owner=lease.replica, epoch=lease.epoch)


def _check(song_id: str, extent: Extent, at: Extent) -> None:
    if extent != at:
        raise WrongOffset(song_id, extent)
