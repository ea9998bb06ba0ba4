"""Destinations for the bytes of a song: a file that gets its final name only when the song is complete, or a device or
pipe.
"""

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

if sys.platform != "win32":
    import fcntl

OTHER_SOUND = frozenset({".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp4", ".ogg", ".opus", ".wav", ".webm", ".wma"})
"""Suffixes of sound files in formats other than MP3."""


class NobodyReads(OSError):
    """Error: a FIFO cannot be written to, because no program reads from it."""


class Sink(Protocol):
    """Protocol of a destination to which a song's bytes are written in order. Use it in `with`, and call `complete` at
    the song's end.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def write(self, data: bytes) -> None:
        """Write bytes of the song without buffering them."""

    def complete(self) -> None:
        """Record that all bytes of the song were written, so that its file gets its final name."""


def sink_at(path: str | Path, *, wait: bool = True) -> "PartFile | Device":
    """Open `path` as the destination of a song: a file, which is replaced at the song's end, or a device or FIFO.

    For a FIFO without a reader, waits for one unless `wait` is False.

    Raises:
        NobodyReads: `path` is a FIFO without a reader, and `wait` is False.
        OSError: the path cannot be written to, is a folder, or another song is being written to it.
        ValueError: the suffix of `path` is that of another sound format.
    """
    path = Path(path)
    if path.suffix.lower() in OTHER_SOUND:
        raise ValueError(f"songs are MP3 files: give a name that ends in .mp3, not {path.name}")
    mode = _mode(path)
    if mode is None or stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return PartFile(path)
    if stat.S_ISFIFO(mode) and not wait:
        return Device(_read_fifo(path))
    return Device(path.open("wb", buffering=0))


class PartFile:
    """Destination that writes `<path>.part`, playable at any moment, and renames it to `path` when `complete` is
    called.

    Without `complete`, the `.part` file stays with all bytes that have arrived (an empty one is deleted), and an older
    file at `path` is not changed. If `path` is a symbolic link, the file that it names is written. The `.part` file is
    locked, so two songs never use the same one.

    Raises:
        OSError: the file cannot be written. `IsADirectoryError`: `path` is a folder. `FileExistsError`: another
            song is being written to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "this is a folder: name a file in it", str(path))
        self.part = self.path.with_name(f"{self.path.name}.part")
        self.completed = False
        self._file = _locked(self.part)

    def write(self, data: bytes) -> None:
        """Append `data` to the `.part` file without buffering, so other programs can read the bytes when the call
        returns.
        """
        _write_all(self._file, data)

    def complete(self) -> None:
        """Rename the `.part` file to its final name."""
        if sys.platform == "win32":
            self._file.close()  # an open file cannot be renamed on Windows
        self.part.replace(self.path)
        self._file.close()
        self.completed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._file.closed and os.fstat(self._file.fileno()).st_size == 0:
            with suppress(PermissionError):  # an open file cannot be deleted on Windows
                self.part.unlink(missing_ok=True)
        self._file.close()


class Pipe:
    """Destination that writes to an open stream and flushes after every write, so that a player gets the sound at
    once.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Write `data` to the stream; raises `BrokenPipeError` when the reader has closed the pipe."""
        _write_all(self._stream, data)
        self._stream.flush()

    def complete(self) -> None:
        """Do nothing, because every byte was flushed when it was written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class Device(Pipe):
    """Destination that writes to a device or FIFO and closes it at the end."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stream.close()


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _read_fifo(path: Path) -> BinaryIO:
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC), "wb", buffering=0)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise NobodyReads(
                errno.ENXIO, "no program reads from this FIFO: start the reader first", str(path)
            ) from error
        raise
    os.set_blocking(file.fileno(), True)
    return file


def _locked(part: Path) -> BinaryIO:
    """Open the file `part` for writing, truncated and with a lock that lasts until the file is closed.

    If another process has renamed the file between opening and locking, a new file of this name is opened.

    Raises:
        FileExistsError: another process has locked the file.
    """
    if sys.platform == "win32":
        return part.open("wb", buffering=0)
    while True:
        file = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666), "wb", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise FileExistsError(
                errno.EEXIST,
                "another song is being written to this file: wait for its end, or choose another name",
                str(part),
            ) from error
        if _is_still(part, file):
            file.truncate()
            return file
        file.close()


def _is_still(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _write_all(stream: BinaryIO, data: bytes) -> None:
    """Write all bytes of `data` to a stream. An unbuffered stream may write only a part of them per call, so calls are
    repeated.
    """
    left = memoryview(data)
    while left:
        left = left[stream.write(left) or 0 :]
