"""The observer of a store: calls that were answered or failed, and songs that it loses or cannot keep."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol


class StorePart(StrEnum):
    """A part of a store: two of the shared one, and the folder of the embedded one."""

    DIRECTORY = "directory"
    OBJECTS = "objects"
    FOLDER = "folder"


class StoreTrouble(StrEnum):
    """The reason of a failed call."""

    AWAY = "away"
    """No answer, or one that says to try again."""
    FULL = "full"
    REFUSED = "refused"
    """Wrong password or keys, missing rights, or a call that the store does not understand."""
    BROKEN = "broken"
    """The folder cannot be read or written, or what is in it is damaged."""


class StoreWatcher(Protocol):
    """Is told what the calls of one replica to its store led to."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """A call was answered after so long, its repetitions not counted."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """A call has failed; each repetition counts."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """A song of that size has ended, and counts as unsealed until the context is left."""

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """The directory uses so much memory, of so much that it may; a limit of 0 is none."""

    def lease_lost(self) -> None:
        """A song of this replica was claimed by another one."""

    def handed_over(self) -> None:
        """A song that this replica has offered was claimed by another one."""

    def found_lost(self) -> None:
        """This replica has claimed a song whose maker has fallen silent."""

    def taken_over(self) -> None:
        """This replica has begun to go on with a song of another one."""

    def diverged(self) -> None:
        """A song that this replica went on with turned out another one than that of which a part was heard."""

    def not_kept(self, engine: str) -> None:
        """A song of this replica, made by `engine`, could not be stored."""


class Unwatched(StoreWatcher):
    """Takes note of nothing."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """Nothing."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Nothing."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Nothing."""

    def lease_lost(self) -> None:
        """Nothing."""

    def handed_over(self) -> None:
        """Nothing."""

    def found_lost(self) -> None:
        """Nothing."""

    def taken_over(self) -> None:
        """Nothing."""

    def diverged(self) -> None:
        """Nothing."""

    def not_kept(self, engine: str) -> None:
        """Nothing."""


UNWATCHED = Unwatched()
