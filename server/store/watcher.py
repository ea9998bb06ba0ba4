"""The observer of a store: answered and failed calls, and songs that it loses or cannot store."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol


class StorePart(StrEnum):
    """A part of a store: two of the shared one, and the folder of the embedded one."""

    DIRECTORY = "directory"
    OBJECTS = "objects"
    FOLDER = "folder"


class StoreTrouble(StrEnum):
    """Kind of a failed call."""

    AWAY = "away"
    """No answer, or one that asks for a retry."""
    FULL = "full"
    REFUSED = "refused"
    """Wrong password or keys, missing rights, or a call that the store does not understand."""
    BROKEN = "broken"
    """The folder cannot be read or written, or its contents are damaged."""


class StoreWatcher(Protocol):
    """Observes the results of one replica's calls to its store."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """A call was answered after `seconds`, without its repetitions."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """A call has failed; each repetition counts."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Context in which an ended song of that size goes to the object store; until its end it counts as unsealed."""

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Note the bytes of memory that the directory uses, and its limit; a limit of 0 means none."""

    def lease_lost(self) -> None:
        """A song of this replica was claimed by another one."""

    def handed_over(self) -> None:
        """A song that this replica has offered was claimed by another one."""

    def found_lost(self) -> None:
        """This replica has claimed a song whose maker has died."""

    def taken_over(self) -> None:
        """This replica has begun to continue a song of another one."""

    def diverged(self) -> None:
        """A song that this replica has repeated differs from its stored part."""

    def not_kept(self, engine: str) -> None:
        """A song of this replica, made by `engine`, could not be stored."""

    def interrupted(self, engine: str) -> None:
        """A song of `engine` lost its server, and no replica can continue it."""


class Unwatched(StoreWatcher):
    """Ignores all observations."""

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
