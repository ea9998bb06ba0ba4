"""The files of the embedded store: one for each song, and the lock of the folder. Every call may block."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from server.store.base import SongGone, StoreFailed


class StoreUnusable(RuntimeError):
    """The folder of the song store cannot be used; the text says why, and what to set."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"the song store {folder} {reason}: set MELISMA_STORE__FOLDER to another folder")


def locked(folder: Path) -> BinaryIO:
    """Make the folder if need be and claim it until the file is closed, at the latest when the process ends.

    Raises:
        StoreUnusable: it cannot be written, or another server has it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (folder / "lock").open("wb")
    except OSError as error:
        raise StoreUnusable(folder, f"cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            raise StoreUnusable(folder, "is in use by another server") from error
        raise StoreUnusable(folder, f"cannot be locked ({error.strerror})") from error
    return file


class SoundFiles:
    """The songs' files; those that still grow are held open."""

    def __init__(self, folder: Path, suffixes: Mapping[str, str]) -> None:
        """`suffixes` has the end of a file's name for each delivery format."""
        self._folder = folder
        self._suffixes = suffixes
        self._open: dict[str, BinaryIO] = {}

    def knows(self, audio_format: str) -> bool:
        """Return True where a delivery format has a suffix here."""
        return audio_format in self._suffixes

    def create(self, song_id: str, audio_format: str) -> None:
        """An empty file that will grow."""
        path = self._folder / f"{song_id}{self._suffixes[audio_format]}"
        try:
            self._open[song_id] = path.open("xb", buffering=0)
        except OSError as error:
            raise _failed(error) from error

    def grows(self, song_id: str) -> bool:
        """Return True for a song that takes more sound."""
        return song_id in self._open

    def append(self, song_id: str, offset: int, sound: bytes) -> None:
        """Put all of the sound at the end, which is at `offset`; what a failed attempt left there is overwritten."""
        if (file := self._open.get(song_id)) is None:
            raise StoreFailed(f"the song {song_id} takes no more sound")
        try:
            file.seek(offset)
            rest = memoryview(sound)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise _failed(error) from error

    def finish(self, song_id: str) -> None:
        """See to it that all of the sound is on the disk."""
        file = self._open.pop(song_id, None)
        if file is None:
            return
        try:
            with file:
                os.fsync(file.fileno())
        except OSError as error:
            raise _failed(error) from error

    def read(self, song_id: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; from any thread. Raises SongGone where there is no file."""
        try:
            with self._path(song_id).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError as error:
            raise SongGone(song_id) from error
        except OSError as error:
            raise _failed(error) from error

    def sizes(self) -> dict[str, int]:
        """The size of every song's file."""
        return {
            path.name.removesuffix(suffix): path.stat().st_size
            for suffix in self._suffixes.values()
            for path in self._folder.glob(f"*{suffix}")
        }

    def cut(self, song_id: str, size: int) -> None:
        """Drop everything from `size` on."""
        os.truncate(self._path(song_id), size)

    def delete(self, song_id: str) -> None:
        """Remove the file, if it is there; a song that grows does so no longer."""
        try:
            if growing := self._open.pop(song_id, None):
                growing.close()
            self._path(song_id).unlink(missing_ok=True)
        except OSError as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Close what is open."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _path(self, song_id: str) -> Path:
        """The file of a song, in whichever format; one that does not exist where there is none."""
        paths = [self._folder / f"{song_id}{suffix}" for suffix in self._suffixes.values()]
        return next(filter(Path.exists, paths), paths[0])


def _failed(error: OSError) -> StoreFailed:
    return StoreFailed(f"a file of the song store failed: {error.strerror or error}")
