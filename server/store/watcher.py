"""The observer of a store: it counts calls and failures, and songs that were lost or could not be stored."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol


class StorePart(StrEnum):
    """A part of a store: the directory and the objects of a shared store, or the folder of an embedded one."""

    DIRECTORY = "directory"
    OBJECTS = "objects"
    FOLDER = "folder"


class StoreTrouble(StrEnum):
    """Kind of a failed call."""

    AWAY = "away"
    """No response, or one that asks for a retry."""
    FULL = "full"
    REFUSED = "refused"
    """Wrong password or keys, missing rights, or a call that the store does not understand."""
    BROKEN = "broken"
    """The folder cannot be read or written, or its contents are damaged."""


class StoreWatcher(Protocol):
    """Interface for observing the results of one replica's calls to its store."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """Record that a call was answered after `seconds`, not counting repetitions."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Record that a call has failed; each repetition counts."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Context in which an ended song of this size is moved to the object store and counts as not stored there
        yet.
        """

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Record the bytes of memory that the directory uses, and its limit; a limit of 0 means none."""

    def lease_lost(self) -> None:
        """Record that another replica has claimed a song of this one."""

    def handed_over(self) -> None:
        """Record that another replica has claimed a song that this one has offered."""

    def found_lost(self) -> None:
        """Record that this replica has claimed a song of a lost replica."""

    def taken_over(self) -> None:
        """Record that this replica has begun to continue a song of another one."""

    def diverged(self) -> None:
        """Record that a song that this replica has made again differs from its stored part."""

    def not_kept(self, engine: str) -> None:
        """Record that a song made here with `engine` could not be stored."""

    def interrupted(self, engine: str) -> None:
        """A song of `engine` lost its server, and no replica can continue it."""


class Unwatched(StoreWatcher):
    """A StoreWatcher that ignores all observations."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """Do nothing."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Do nothing."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Do nothing."""

    def lease_lost(self) -> None:
        """Do nothing."""

    def handed_over(self) -> None:
        """Do nothing."""

    def found_lost(self) -> None:
        """Do nothing."""

    def taken_over(self) -> None:
        """Do nothing."""

    def diverged(self) -> None:
        """Do nothing."""

    def not_kept(self, engine: str) -> None:
        """Do nothing."""

    def interrupted(self, engine: str) -> None:
        """Do nothing."""


UNWATCHED = Unwatched()
