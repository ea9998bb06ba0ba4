"""The header Idempotency-Key of REST: an alternative to the field `request_id` that takes any text."""

import re
from collections.abc import Sequence
from uuid import UUID, uuid5

from model.song import Violation
from server.errors import InvalidRequest

IDEMPOTENCY_KEY = "Idempotency-Key"
MAX_KEY_CHARACTERS = 255
_VISIBLE = re.compile(rf"[!-~]{{1,{MAX_KEY_CHARACTERS}}}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CALLERS = UUID("6a2a52a1-5d4c-4c11-9a5c-5f3d1f6c3e0b")
"""UUID name space from which a name space for each caller's idempotency keys is derived (UUID version 5)."""


def lower_uuid(request_id: str) -> str:
    """Return a UUID in lower case, so that all its spellings name one request; other texts are returned unchanged."""
    return request_id.lower() if _UUID.fullmatch(request_id) else request_id


def request_id_of(key: str, caller: str) -> str:
    """Return the `request_id` for an idempotency key: the key itself if it is a UUID, otherwise a UUID of version 5
    derived from caller and key.
    """
    return lower_uuid(key) if _UUID.fullmatch(key) else str(uuid5(uuid5(_CALLERS, caller), key))


def only_key(keys: Sequence[str]) -> str:
    """Return the value of the header Idempotency-Key; empty if the header is missing.

    Raises:
        InvalidRequest: the header occurs twice, or has an invalid value.
    """
    if len(keys) > 1:
        raise _invalid("must be sent only once in a request")
    if keys and not _VISIBLE.fullmatch(keys[0]):
        raise _invalid(f"must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters, without spaces")
    return keys[0] if keys else ""


def joined(request_id: str, key: str, caller: str) -> str:
    """Return the request id of a call from the field `request_id` or `key`, the value of the header Idempotency-Key;
    either may be empty. An id for a `key` that is no UUID is derived from key and `caller`.

    Raises:
        InvalidRequest: field and header give different ids.
    """
    own, from_key = lower_uuid(request_id), request_id_of(key, caller) if key else ""
    if own and from_key and own != from_key:
        raise _invalid("must be the same as request_id: leave one of them out")
    return from_key or own


def _invalid(description: str) -> InvalidRequest:
    return InvalidRequest(Violation(IDEMPOTENCY_KEY, description))
