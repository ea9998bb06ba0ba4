"""Protocol of an observer of a song store, which records the store's calls, failures, and songs that were lost or could
not be stored.
"""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol


class StorePart(StrEnum):
    """A part of a store: the song directory (Redis or Valkey) or the object store of a shared store, or the folder of
    an embedded one.
    """

    DIRECTORY = "directory"
    OBJECTS = "objects"
    FOLDER = "folder"


class StoreTrouble(StrEnum):
    """Kind of failure of a call to a store, used as a label of metrics."""

    AWAY = "away"
    """The store did not respond, or responded that the call should be repeated."""
    FULL = "full"
    REFUSED = "refused"
    """The store refused the call: wrong password or keys, missing rights, or an unknown command."""
    BROKEN = "broken"
    """The folder of the store cannot be read or written, or its contents are damaged."""


class StoreWatcher(Protocol):
    """Protocol of an object that records the calls of one server to its store, for example in metrics."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """Record that a call to a part of the store was answered after `seconds`, not counting failed attempts."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Record that an attempt to call a part of the store has failed, and the kind of failure."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Context manager around the move of an ended song to the object store; meanwhile its `size_bytes` count as not
        yet moved.
        """

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Record the memory that the song directory (Redis or Valkey) uses, and its limit, in bytes; a limit of 0 means
        no limit.
        """

    def lease_lost(self) -> None:
        """Record that another server has taken a song of this server, because the song's lease had expired."""

    def handed_over(self) -> None:
        """Record that another server has taken a song that this server had offered."""

    def found_lost(self) -> None:
        """Record that a song whose server was lost was assigned to this server."""

    def taken_over(self) -> None:
        """Record that this server has begun to continue a song of another server."""

    def diverged(self) -> None:
        """Record that a song that this server has made again differs from its stored part."""

    def not_kept(self, engine: str) -> None:
        """Record that a song made by this server with `engine` could not be stored."""

    def interrupted(self, engine: str) -> None:
        """Record that a song of `engine` has lost its server, and that no other server can continue the song."""


class Unwatched(StoreWatcher):
    """A `StoreWatcher` that records nothing."""

    def answered(self, part: StorePart, seconds: float) -> None:
        """Ignore that a call to the store was answered."""

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Ignore that a call to the store failed."""

    def sealing(self, size_bytes: int) -> AbstractContextManager[None]:
        """Return a context manager that does nothing."""
        return nullcontext()

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Ignore the memory usage of the song directory."""

    def lease_lost(self) -> None:
        """Ignore that another server has taken a song of this server."""

    def handed_over(self) -> None:
        """Ignore that another server has taken a song that this server had offered."""

    def found_lost(self) -> None:
        """Ignore that a song of a lost server was assigned to this server."""

    def taken_over(self) -> None:
        """Ignore that this server has begun to continue a song of another server."""

    def diverged(self) -> None:
        """Ignore that a song that was made again differs from its stored part."""

    def not_kept(self, engine: str) -> None:
        """Ignore that a song could not be stored."""

    def interrupted(self, engine: str) -> None:
        """Ignore that a song has lost its server and cannot be continued."""


UNWATCHED = Unwatched()
