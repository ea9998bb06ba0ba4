"""Where a song's bytes go: a file that is never half a song, or a pipe into a player."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self


class Sink(Protocol):
    """Takes a song's bytes in order; used in `with`, and told when the song is complete."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def write(self, data: bytes) -> None:
        """Pass `data` on at once."""

    def complete(self) -> None:
        """The song is whole."""


class PartFile:
    """Writes `<path>.part`, playable at any moment, and renames it to `path` when `complete` is called.

    Left without `complete`, the `.part` file stays with all that has arrived (it goes if that is nothing), and an older
    file at `path` is untouched. Making one raises `OSError` where the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self.completed = False
        self._file = self.part.open("wb", buffering=0)

    def write(self, data: bytes) -> None:
        """Append `data`; it can be read from the `.part` file when the call returns."""
        self._file.write(data)

    def complete(self) -> None:
        """Give the file its name."""
        self._file.close()
        self.part.replace(self.path)
        self.completed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        if self.part.exists() and self.part.stat().st_size == 0:
            self.part.unlink()


class Pipe:
    """Writes to an open stream and flushes after every write, so that a player at its end hears the song at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Pass `data` on; raises `BrokenPipeError` when the reader has left."""
        self._stream.write(data)
        self._stream.flush()

    def complete(self) -> None:
        """Nothing is left to do: every byte was flushed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None
