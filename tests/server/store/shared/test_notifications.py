"""Tests that the task that receives the song directory's notifications ends when it is cancelled, even if the Redis
library swallows the cancellation.
"""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from server.store.shared.connection import Connection
from server.store.shared.notifications import Notifications


class Deaf:
    """A stand-in for a subscription that never gets a message, and whose wait swallows the cancellation of its task, as
    the Redis library may do.
    """

    def __init__(self) -> None:
        self.waits = asyncio.Event()

    async def __aenter__(self) -> "Deaf":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def subscribe(self, *_: str) -> None:
        pass

    async def publish(self, *_: object) -> None:
        pass

    async def get_message(self, **_: Any) -> None:
        self.waits.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)


async def test_a_swallowed_cancellation_ends_them_all_the_same() -> None:
    deaf = Deaf()
    connection = cast("Connection", SimpleNamespace(client=deaf, pubsub=lambda: deaf))
    task = asyncio.create_task(Notifications(connection, "here", check_seconds=600).run())
    await deaf.waits.wait()

    task.cancel()
    ended, _ = await asyncio.wait([task], timeout=10)

    assert ended
