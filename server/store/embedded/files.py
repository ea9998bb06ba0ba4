"""The sound files of the embedded store, one for each song, and the lock of its folder. Every call may block."""

import errno
import fcntl
import logging
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from server.store.base import StoreFailed, StoreFull

OWN_NAME: Final = re.compile(r"song-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Pattern of the song ids that a server generates; only sound files of Melisma have such names."""

PRIVATE_FILE, _PRIVATE_FOLDER, _OTHERS = 0o600, 0o700, 0o077
OTHER_FOLDER: Final = "set MELISMA_STORE__FOLDER to another folder"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

logger = logging.getLogger(__name__)


class StoreUnusable(RuntimeError):
    """The folder of the song store cannot be used; the text gives the reason and what to do."""


class SoundMissing(StoreFailed):
    """The sound file of a song is missing."""


def locked(folder: Path) -> BinaryIO:
    """Create the folder of the store if needed, lock it for this process, and return the lock file. Closing the file
    releases the lock.

    Raises:
        StoreUnusable: the folder cannot be written, or another server uses it.
    """
    try:
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        file = open(folder / "lock", "ab", opener=_private)  # noqa: SIM115  # the calling function closes the file
    except OSError as error:
        raise StoreUnusable(
            f"the folder {folder} of the song store cannot be written ({error.strerror}): {OTHER_FOLDER}"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            raise StoreUnusable(
                f"the folder {folder} of the song store is in use by another server: {OTHER_FOLDER}"
            ) from error
        raise StoreUnusable(
            f"the folder {folder} of the song store cannot be locked ({error.strerror}): {OTHER_FOLDER}"
        ) from error
    if folder.stat().st_mode & _OTHERS:
        logger.warning(
            "other users can list the folder %s of the song store, but cannot read its files; chmod it to 700 to hide "
            "the names",
            folder,
        )
    return file


class SoundFiles:
    """The sound files of all songs, readable only by the server's user. Files of running songs stay open."""

    def __init__(self, folder: Path, suffixes: Mapping[str, str]) -> None:
        """Set up the sound files; `suffixes` has the file suffix of each delivery format."""
        self._folder = folder
        self._suffixes = suffixes
        self._growing: dict[str, Path] = {}
        self._open: dict[str, BinaryIO] = {}

    def knows(self, audio_format: str) -> bool:
        """Return True if songs of a delivery format can be stored, because the format has a file suffix."""
        return audio_format in self._suffixes

    def create(self, song_id: str, audio_format: str) -> None:
        """Register a song whose sound file will grow; the file itself is created with the first sound."""
        self._growing[song_id] = self._folder / f"{song_id}{self._suffixes[audio_format]}"

    def grows(self, song_id: str) -> bool:
        """Return True if the song is running, so that sound may be appended to its file."""
        return song_id in self._growing

    def append(self, song_id: str, offset: int, sound: bytes) -> None:
        """Write sound into a song's file at `offset`, the end of its valid sound; bytes that a failed write has left
        after it are overwritten.
        """
        if song_id not in self._growing:
            raise StoreFailed(
                f"the song {song_id} has ended, so no sound can be added to it. This is a bug: please report it"
            )
        if not sound:
            return
        try:
            file = self._opened(song_id)
            file.seek(offset)
            rest = memoryview(sound)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise failed(error, song_id) from error

    def finish(self, song_id: str) -> None:
        """Write the song's sound from the system's buffers to the disk, and close the file."""
        self._growing.pop(song_id, None)
        file = self._open.pop(song_id, None)
        if file is None:
            return
        try:
            with file:
                os.fsync(file.fileno())
        except OSError as error:
            raise failed(error, song_id) from error

    def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes of a song's sound file, from byte `offset` on; may be called from any thread.

        Raises:
            SoundMissing: the file is missing.
        """
        try:
            with self.path(song_id).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError as error:
            text = f"the sound of the song {song_id} is missing in the song store {self._folder}"
            raise SoundMissing(f"{text}: restore its file from a backup, or delete the song") from error
        except OSError as error:
            raise failed(error, song_id) from error

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each file in the folder that has the suffix of a sound file, by the name without
        suffix (a song id).
        """
        endings = {suffix: len(suffix) for suffix in self._suffixes.values()}
        with os.scandir(self._folder) as entries:
            return {
                entry.name[: -endings[suffix]]: entry.stat(follow_symlinks=False).st_size
                for entry in entries
                for suffix in endings
                if entry.name.endswith(suffix) and entry.is_file(follow_symlinks=False)
            }

    def cut(self, song_id: str, size: int) -> None:
        """Truncate the song's sound file to `size` bytes."""
        try:
            os.truncate(self.path(song_id), size)
        except OSError as error:
            raise failed(error, song_id) from error

    def make_private(self, song_id: str) -> bool:
        """Remove other users' access rights to a song's sound file; return True if there were any."""
        return make_private(self.path(song_id))

    def delete(self, song_id: str) -> None:
        """Delete the song's sound file, if it exists; the song may be running."""
        self._growing.pop(song_id, None)
        if file := self._open.pop(song_id, None):
            with suppress(OSError):
                file.close()
        try:
            self.path(song_id).unlink(missing_ok=True)
        except OSError as error:
            raise failed(error, song_id) from error

    def close(self) -> None:
        """Close all open sound files."""
        for file in self._open.values():
            file.close()
        self._open.clear()
        self._growing.clear()

    def _opened(self, song_id: str) -> BinaryIO:
        if (file := self._open.get(song_id)) is None:
            path = self._growing[song_id]
            file = self._open[song_id] = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115  # `finish` closes it
        return file

    def path(self, song_id: str) -> Path:
        """Return the path of a song's sound file, with the suffix of the song's format. If the song has no file, the
        path has the suffix of the first known format.
        """
        if "/" in song_id or "\0" in song_id:
            raise StoreFailed(
                "the database of the song store is damaged, restore it from a backup: its song id "
                f"{song_id!r} is not valid"
            )
        paths = [self._folder / f"{song_id}{suffix}" for suffix in self._suffixes.values()]
        return next(filter(Path.exists, paths), paths[0])


def make_private(path: Path) -> bool:
    """Remove the access rights of other users to a file; return True if there were any. A failure is logged."""
    try:
        if path.is_symlink() or not path.stat().st_mode & _OTHERS:
            return False
        path.chmod(PRIVATE_FILE)
    except FileNotFoundError:
        return False
    except OSError as error:
        logger.warning(
            "other users may read the file %s of the song store, and the server cannot change that (%s): chmod it to "
            "600",
            path,
            error.strerror,
        )
        return False
    return True


def failed(error: OSError, song_id: str = "") -> StoreFailed:
    """Convert an error of an operation on a file to StoreFailed, or to StoreFull if the disk is full. `song_id` is the
    song to which the file belongs; empty for a file of no song.
    """
    kind = StoreFull if error.errno in _NO_ROOM else StoreFailed
    file = f"the sound file of the song {song_id}" if song_id else f"the file {error.filename or '(unknown)'}"
    return kind(f"{file} in the song store cannot be read or written: {error.strerror or error}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)
