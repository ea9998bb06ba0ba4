import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.auth.key_life import key_expired, key_expires_at, while_key_lasts
from server.errors import Unauthenticated


def expires_in(seconds: float) -> None:
    key_expires_at.set(datetime.now(UTC) + timedelta(seconds=seconds))


async def test_what_goes_on_ends_with_the_key() -> None:
    expires_in(0.05)
    with pytest.raises(Unauthenticated, match="has expired"):
        async with while_key_lasts():
            await asyncio.sleep(5.0)
    assert key_expired()


async def test_what_is_over_before_and_what_has_no_such_key_goes_on() -> None:
    async with while_key_lasts():
        await asyncio.sleep(0)
    expires_in(60.0)
    async with while_key_lasts():
        await asyncio.sleep(0)
    assert not key_expired()


async def test_another_timeout_stays_what_it_is() -> None:
    expires_in(60.0)
    with pytest.raises(TimeoutError):
        async with while_key_lasts():
            raise TimeoutError
