"""Determines the caller of a song: the holder of the call's API key, otherwise the name that the call's metadata
give.
"""

from collections.abc import Iterable
from contextvars import ContextVar

from model.song import Violation
from server.errors import InvalidRequest

CALLER_KEY = "x-caller"
MAX_CALLER_CHARACTERS = 64
ANONYMOUS = "anonymous"

authenticated: ContextVar[str | None] = ContextVar("authenticated", default=None)
"""The holder of the present call's API key; `None` if the server needs no key."""


def caller_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """Return the name of a call's caller: the holder of its API key, otherwise the name in the metadata, without
    surrounding spaces; ANONYMOUS if there is none.

    Raises:
        InvalidRequest: the metadata give several names, or one that is too long or not of printable ASCII
            characters.
    """
    if (holder := authenticated.get()) is not None:
        return holder
    names = [value for key, value in metadata or () if key == CALLER_KEY]
    if len(names) > 1:
        raise _invalid("must be sent only once in a call")
    return _checked(names[0]) if names else ANONYMOUS


def _checked(value: str | bytes) -> str:
    name = (value.decode("latin-1") if isinstance(value, bytes) else value).strip()
    if len(name) > MAX_CALLER_CHARACTERS or not (name.isascii() and name.isprintable()):
        raise _invalid(f"must have at most {MAX_CALLER_CHARACTERS} characters, all printable ASCII")
    return name or ANONYMOUS


def _invalid(description: str) -> InvalidRequest:
    return InvalidRequest(Violation(CALLER_KEY, description))
