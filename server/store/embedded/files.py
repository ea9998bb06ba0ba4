"""The files of the embedded store: one for each song, and the lock of the folder. Every call may block."""

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
"""The name of a song, which nothing but a server gives to a file."""

PRIVATE_FILE, _PRIVATE_FOLDER, _OTHERS = 0o600, 0o700, 0o077
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

logger = logging.getLogger(__name__)


class StoreUnusable(RuntimeError):
    """The folder of the song store cannot be used; the text says why, and what to do."""

    def __init__(self, folder: Path, reason: str, advice: str = "set MELISMA_STORE__FOLDER to another folder") -> None:
        super().__init__(f"the song store {folder} {reason}: {advice}")


class SoundMissing(StoreFailed):
    """A song has no file."""


def locked(folder: Path) -> BinaryIO:
    """Make the folder if need be and claim it until the file is closed, at the latest when the process ends.

    Raises:
        StoreUnusable: it cannot be written, or another server has it.
    """
    try:
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        file = open(folder / "lock", "ab", opener=_private)  # noqa: SIM115  # the caller closes it
    except OSError as error:
        raise StoreUnusable(folder, f"cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            raise StoreUnusable(folder, "is in use by another server") from error
        raise StoreUnusable(folder, f"cannot be locked ({error.strerror})") from error
    if folder.stat().st_mode & _OTHERS:
        logger.warning("others may look into the folder %s of the song store; its files are private", folder)
    return file


class SoundFiles:
    """The songs' files, readable by the server's user alone; those that grow are open from their first sound on."""

    def __init__(self, folder: Path, suffixes: Mapping[str, str]) -> None:
        """`suffixes` has the end of a file's name for each delivery format."""
        self._folder = folder
        self._suffixes = suffixes
        self._growing: dict[str, Path] = {}
        self._open: dict[str, BinaryIO] = {}

    def knows(self, audio_format: str) -> bool:
        """Return True where a delivery format has a suffix here."""
        return audio_format in self._suffixes

    def create(self, song_id: str, audio_format: str) -> None:
        """Let a file grow, which there is once it has sound."""
        self._growing[song_id] = self._folder / f"{song_id}{self._suffixes[audio_format]}"

    def grows(self, song_id: str) -> bool:
        """Return True for a song that takes more sound."""
        return song_id in self._growing

    def append(self, song_id: str, offset: int, sound: bytes) -> None:
        """Put all of the sound at the end, which is at `offset`; what a failed attempt left there is overwritten."""
        if song_id not in self._growing:
            raise StoreFailed(f"the song {song_id} takes no more sound")
        if not sound:
            return
        try:
            file = self._opened(song_id)
            file.seek(offset)
            rest = memoryview(sound)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise failed(error) from error

    def finish(self, song_id: str) -> None:
        """See to it that all of the sound is on the disk."""
        self._growing.pop(song_id, None)
        file = self._open.pop(song_id, None)
        if file is None:
            return
        try:
            with file:
                os.fsync(file.fileno())
        except OSError as error:
            raise failed(error) from error

    def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; from any thread.

        Raises:
            SoundMissing: there is no file.
        """
        try:
            with self.path(song_id).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError as error:
            raise SoundMissing(f"the sound of {song_id} is missing in the song store {self._folder}") from error
        except OSError as error:
            raise failed(error) from error

    def sizes(self) -> dict[str, int]:
        """The size of every file that has the name of a song, or might have, by that name."""
        endings = {suffix: len(suffix) for suffix in self._suffixes.values()}
        with os.scandir(self._folder) as entries:
            return {
                entry.name[: -endings[suffix]]: entry.stat(follow_symlinks=False).st_size
                for entry in entries
                for suffix in endings
                if entry.name.endswith(suffix) and entry.is_file(follow_symlinks=False)
            }

    def cut(self, song_id: str, size: int) -> None:
        """Drop everything from `size` on."""
        try:
            os.truncate(self.path(song_id), size)
        except OSError as error:
            raise failed(error) from error

    def make_private(self, song_id: str) -> bool:
        """Take the rights of others away; returns whether they had any."""
        return make_private(self.path(song_id))

    def delete(self, song_id: str) -> None:
        """Remove the file, if it is there; one that grows is given up."""
        self._growing.pop(song_id, None)
        if file := self._open.pop(song_id, None):
            with suppress(OSError):
                file.close()
        try:
            self.path(song_id).unlink(missing_ok=True)
        except OSError as error:
            raise failed(error) from error

    def close(self) -> None:
        """Close what is open."""
        for file in self._open.values():
            file.close()
        self._open.clear()
        self._growing.clear()

    def _opened(self, song_id: str) -> BinaryIO:
        if (file := self._open.get(song_id)) is None:
            path = self._growing[song_id]
            file = self._open[song_id] = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115  # `finish` does
        return file

    def path(self, song_id: str) -> Path:
        """The file of a song, in whichever format; one that does not exist where there is none."""
        if "/" in song_id or "\0" in song_id:
            raise StoreFailed(f"the database of the song store is damaged: {song_id!r} is no name of a song")
        paths = [self._folder / f"{song_id}{suffix}" for suffix in self._suffixes.values()]
        return next(filter(Path.exists, paths), paths[0])


def make_private(path: Path) -> bool:
    """Take the rights of others to a file away; returns whether they had any, and logs where they keep them."""
    try:
        if path.is_symlink() or not path.stat().st_mode & _OTHERS:
            return False
        path.chmod(PRIVATE_FILE)
    except FileNotFoundError:
        return False
    except OSError as error:
        logger.warning("others may read %s, and that cannot be changed (%s): chmod it", path, error.strerror)
        return False
    return True


def failed(error: OSError) -> StoreFailed:
    """The error of the store for one of its files."""
    kind = StoreFull if error.errno in _NO_ROOM else StoreFailed
    return kind(f"a file of the song store failed: {error.strerror or error}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)
