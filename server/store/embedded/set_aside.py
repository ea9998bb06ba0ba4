"""Keeps sound files that belong to no song in the database in a separate folder, within the limits of the store."""

import logging
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from server.store.embedded.files import OWN_NAME, make_private
from server.store.eviction import EndedSong, Stored, StoreLimits, evicted

FOLDER: Final = "set-aside"

_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_WITHOUT_SONG: Final = (
    "%d sound files belong to no song in the database, which was lost or is an older backup: they were moved to %s. To "
    "restore them, stop the server, put a backup of songs.sqlite3 and these files into the folder of the store, and "
    "start the server again. Otherwise they are deleted like old songs, by MELISMA_STORE__MAX_AGE_HOURS, "
    "__MAX_MEBIBYTES, "
    "__MAX_SONGS"
)

logger = logging.getLogger(__name__)


class SetAside:
    """The folder for sound files without a song in the database. It has one subfolder for each start of the server that
    found such files.
    """

    def __init__(self, folder: Path, limits: StoreLimits, suffixes: Collection[str]) -> None:
        """Set up the folder, a subfolder of the store's `folder`; `suffixes` are the file suffixes of sound files."""
        self._folder = folder / FOLDER
        self._limits = limits
        self._suffixes = suffixes

    def take(self, paths: Sequence[Path], now_ns: int) -> None:
        """Move sound files into the folder, and log their number; a file that cannot be moved stays where it is. The
        name of the subfolder contains `now_ns`.
        """
        taken = [path for path in paths if self._take(path, now_ns, Path.rename)]
        if not taken:
            return
        logger.error(_WITHOUT_SONG, len(taken), self._folder)

    def copy(self, path: Path, now_ns: int) -> bool:
        """Copy a sound file into the folder before the original is truncated; return False if the copy fails. The name
        of the subfolder contains `now_ns`.
        """
        if not self._take(path, now_ns, shutil.copyfile):
            return False
        logger.error(
            "the file %s is longer than the database says, so it was cut to that length; a whole copy is in %s",
            path,
            self._folder,
        )
        return True

    def evict(self, now_ns: int) -> int:
        """Delete sound files of the folder that exceed the limits of the store, oldest first, and return the number of
        deleted files.
        """
        found = {str(path): path for path in self._recordings()}
        files = [EndedSong(name, _ns_of(path.parent.name) or 0, path.stat().st_size) for name, path in found.items()]
        stored = Stored(len(files), sum(one.size_bytes for one in files))
        victims = list(evicted(files, self._limits, stored=stored, now_ns=now_ns, in_use=()))
        for name in victims:
            found[name].unlink(missing_ok=True)
        for folder in {found[name].parent for name in victims}:
            if not any(folder.iterdir()):
                folder.rmdir()
        if victims:
            logger.warning(
                "%d sound files without a song in the database had been moved to a separate folder, and were deleted "
                "because they were too old or too many",
                len(victims),
            )
        return len(victims)

    def _take(self, path: Path, now_ns: int, way: Callable[[Path, Path], object]) -> bool:
        folder = self._folder / _stamp(now_ns)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            way(path, folder / path.name)
        except OSError as error:
            logger.error(
                "the sound file %s without a song in the database could not be moved to a separate folder, and stays "
                "where it is: %s",
                path,
                error,
            )
            with suppress(OSError):
                (folder / path.name).unlink()  # this deletes an incomplete copy
            return False
        make_private(folder / path.name)
        return True

    def _recordings(self) -> Sequence[Path]:
        """Return the paths of the sound files in the folder, oldest first."""
        if not self._folder.is_dir():
            return []
        folders = sorted(path for path in self._folder.iterdir() if _ns_of(path.name) is not None and path.is_dir())
        return [path for folder in folders for path in sorted(folder.iterdir()) if self._is_own(path)]

    def _is_own(self, path: Path) -> bool:
        return bool(OWN_NAME.fullmatch(path.stem)) and path.suffix in self._suffixes and path.is_file()


def _stamp(now_ns: int) -> str:
    return (_EPOCH + timedelta(microseconds=now_ns // 1000)).strftime(_STAMP)


def _ns_of(name: str) -> int | None:
    """Return the time that a subfolder's name contains, in nanoseconds since 1970; `None` for any other name."""
    try:
        return (datetime.strptime(name, _STAMP).replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 1000
    except ValueError:
        return None
