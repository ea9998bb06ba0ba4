"""Ends what a call does at the moment at which its API key expires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from server.errors import Unauthenticated

key_expires_at: ContextVar[datetime | None] = ContextVar("key_expires_at", default=None)
"""When the key of the present call expires; `None` where it has none, or one that does not."""


def key_expired() -> bool:
    """True if the present call has a key, and it has expired."""
    end = key_expires_at.get()
    return end is not None and end <= datetime.now(UTC)


@asynccontextmanager
async def while_key_lasts() -> AsyncIterator[None]:
    """Cancel what goes on in the context when the key of the present call expires.

    Raises:
        Unauthenticated: it has expired.
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
        raise Unauthenticated("the API key has expired: ask again with another one") from None
