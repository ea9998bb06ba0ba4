"""Errors of the object store, and their conversion from the errors of the object store library."""

import re
from typing import Final

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from server.store.base import StoreFailed
from server.store.watcher import StoreTrouble

_STATUS: Final = re.compile(r"status code: (\d{3} [A-Za-z ]+)")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_PASSING: Final = ("408", "409", "425", "429")
"""HTTP status codes of client errors after which a retry may succeed."""
_WRONG_REGION: Final = "incorrectly configured region"
_NO_KEYS: Final = "http://169.254.169.254"
"""Metadata address of cloud machines, from which the library asks credentials if no keys are set; in an error text the
address means that keys are missing.
"""


class ObjectsAway(StoreFailed):
    """The object store was unreachable; a retry may help."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the object store cannot be reached: {str(error).partition(chr(10))[0]}")


class ObjectsRefused(StoreFailed):
    """The object store refuses an operation that this server needs; a retry helps only once rights or keys are
    changed.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the object store refuses this server ({reason}): make sure that the bucket of "
            "MELISMA_STORE__OBJECTS exists, and that the keys (AWS_..., GOOGLE_..., AZURE_...) or the identity of the "
            "machine are valid and may read, write, list and delete there"
        )


def objects_error(error: Exception) -> StoreFailed:
    """Convert an error of the object store library: to ObjectsRefused if rights or keys are missing, otherwise to
    ObjectsAway.

    Texts of the library are shortened, because they contain parts of keys and whole responses.
    """
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    if _NO_KEYS in text:
        return ObjectsRefused("no keys are set, and the machine has no identity of its own")
    if _WRONG_REGION in text:
        return ObjectsRefused("the bucket is in another region: set AWS_REGION")
    if status and status[1].startswith("4") and not status[1].startswith(_PASSING):
        return ObjectsRefused(", ".join(found[1].strip() for found in (status, code) if found))
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
        return ObjectsRefused(text.partition("\n")[0])
    return ObjectsAway(error)


def trouble_of(error: StoreFailed) -> StoreTrouble:
    """Return the kind of an object store's error, as a label for the metrics."""
    return StoreTrouble.REFUSED if isinstance(error, ObjectsRefused) else StoreTrouble.AWAY
