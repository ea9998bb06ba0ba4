"""Ends a call at the moment when its API key expires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from server.errors import Unauthenticated

key_expires_at: ContextVar[datetime | None] = ContextVar("key_expires_at", default=None)
"""Expiry time of the present call's API key; `None` if the call has no key, or the key does not expire."""


def key_expired() -> bool:
    """Return True if the API key of the present call has expired; False for a call without a key."""
    end = key_expires_at.get()
    return end is not None and end <= datetime.now(UTC)


@asynccontextmanager
async def while_key_lasts() -> AsyncIterator[None]:
    """Context manager that cancels the code inside its block when the API key of the present call expires.

    Raises:
        Unauthenticated: the key has expired.
    """
    if (end := key_expires_at.get()) is None:
        yield
        return
    limit = asyncio.timeout((end - datetime.now(UTC)).total_seconds())
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise Unauthenticated("the API key has expired: send a valid one") from None
