"""Interface for observers of a store: calls, failures, and songs that were lost or could not be stored."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol


class StorePart(StrEnum):
    """A part of a store: the song directory and the object store of a shared store, or the folder of an
    embedded one.
    """

    DIRECTORY = "directory"
    OBJECTS = "objects"
    FOLDER = "folder"


class StoreTrouble(StrEnum):
    """Kind of a failed call to a store, as a label of the metrics."""

    AWAY = "away"
    """No response, or one that asks for a retry."""
    FULL = "full"
    REFUSED = "refused"
    """Wrong password or keys, missing rights, or a call that the store does not understand."""
    BROKEN = "broken"
    """The folder cannot be read or written, or its contents are damaged."""


class StoreWatcher(Protocol):
    """Protocol of an object that observes the results of one server's calls to its store."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """Record that a call was answered after `seconds`, not counting repetitions."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Record that a call has failed; each repetition counts."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Context manager in which an ended song of this size is moved to the object store; it is counted as not yet
        there.
        """

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Record the bytes of memory that the song directory uses, and its limit; a limit of 0 means none."""

    def lease_lost(self) -> None:
        """Record that another server has claimed a song of this one."""

    def handed_over(self) -> None:
        """Record that another server has claimed a song that this one has offered."""

    def found_lost(self) -> None:
        """Record that this server has claimed a song whose server was lost."""

    def taken_over(self) -> None:
        """Record that this server has begun to continue a song of another server."""

    def diverged(self) -> None:
        """Record that a song that this server has made again differs from its stored part."""

    def not_kept(self, engine: str) -> None:
        """Record that a song made here with `engine` could not be stored."""

    def interrupted(self, engine: str) -> None:
        """Record that a song of `engine` lost its server, and that no server can continue it."""


class Unwatched(StoreWatcher):
    """A StoreWatcher that ignores all observations."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """Ignore a call that was answered."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Ignore that a call to the store failed."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Do nothing while a song is moved to the object store."""
        return nullcontext()

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Ignore the memory usage of the song directory."""

    def lease_lost(self) -> None:
        """Ignore that another server has claimed a song of this one."""

    def handed_over(self) -> None:
        """Ignore that another server has claimed a song that this one has offered."""

    def found_lost(self) -> None:
        """Ignore that this server has claimed a song of a lost server."""

    def taken_over(self) -> None:
        """Ignore that this server has begun to continue a song of another one."""

    def diverged(self) -> None:
        """Ignore that a song made again differs from its stored part."""

    def not_kept(self, engine: str) -> None:
        """Ignore that a song could not be stored."""

    def interrupted(self, engine: str) -> None:
        """Ignore that no server can continue a song."""


UNWATCHED = Unwatched()
