"""Redis pub/sub notifications between the servers of a service, over a Redis connection of their own.

Notifications only save time: waiting tasks also read the song directory periodically.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from redis.exceptions import RedisError

from server.background import in_background, is_cancelled
from server.store.bulletin import Bulletin
from server.store.shared.connection import Connection

CHECK_SECONDS: Final = 5.0

_SONGS, _WORK = "m:news", "m:wake"
_ANY_WORK: Final = ""
_SELF_CHECK: Final = b"check"
_PAUSE_SECONDS: Final = 0.2

logger = logging.getLogger(__name__)


class Notifications:
    """Wakes tasks of this server that wait for new events of a song, or for songs to start.

    A connection may look open and still deliver nothing. To notice this, the server sends a message to itself every
    `check_seconds`, and reconnects if the message does not arrive before the next one.
    """

    def __init__(self, connection: Connection, replica: str, check_seconds: float = CHECK_SECONDS) -> None:
        self._connection = connection
        self._own = f"{_WORK}:{replica}"
        self._check_seconds = check_seconds
        self._songs = Bulletin()
        self._work = Bulletin()
        self._waiting: set[str] = set()

    def next_of(self, song_id: str) -> asyncio.Event:
        """Return an event that is set at the next change of a song.

        The event must be requested before the song is read, so that no change is missed.
        """
        self._waiting.add(song_id)
        return self._songs.next(song_id)

    def remove(self, song_id: str) -> None:
        """Wake the tasks that wait for changes of a song, and ignore further notifications about the song."""
        self._waiting.discard(song_id)
        self._songs.post(song_id)

    def next_work(self) -> asyncio.Event:
        """Return an event that is set when a song may be ready to start, or the status of a lease has changed."""
        return self._work.next(_ANY_WORK)

    async def run(self) -> None:
        """Receive notifications until cancelled, and reconnect when the connection fails."""
        while not is_cancelled():
            with suppress(RedisError, OSError, TimeoutError):
                await self._listen()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Receive notifications until the connection fails, or until a message of this server to itself does not arrive
        in time.
        """
        async with self._connection.pubsub() as messages:
            await messages.subscribe(_SONGS, _WORK, self._own)
            # Messages sent before the subscription may have been missed, so all tasks are woken.
            self._wake_all()
            heard_at, checked_at = time.monotonic(), 0.0
            while time.monotonic() - heard_at < 2 * self._check_seconds and not is_cancelled():
                if time.monotonic() - checked_at >= self._check_seconds:
                    checked_at = time.monotonic()
                    await self._connection.client.publish(self._own, _SELF_CHECK)
                message = await messages.get_message(ignore_subscribe_messages=True, timeout=self._check_seconds / 4)
                if message is not None and self._pass_on(message["channel"], message["data"]):
                    heard_at = time.monotonic()
        if not is_cancelled():
            logger.warning("no messages arrived from the song directory (Redis or Valkey): the server reconnects to it")

    def _pass_on(self, channel: bytes, data: bytes) -> bool:
        """Wake the tasks that a message concerns, which was received as `data` on the Redis channel `channel`; return
        True for a message of this server to itself.
        """
        own = channel == self._own.encode()
        if channel == _SONGS.encode():
            self._waiting.discard(data.decode())
            self._songs.post(data.decode())
        elif data != _SELF_CHECK:
            self._work.post(_ANY_WORK)
        return own

    def _wake_all(self) -> None:
        for song_id in self._waiting:
            self._songs.post(song_id)
        self._waiting.clear()
        self._work.post(_ANY_WORK)


@asynccontextmanager
async def listening(connection: Connection, replica: str) -> AsyncIterator[Notifications]:
    """Context manager that receives notifications for the server `replica` until its end."""
    notifications = Notifications(connection, replica)
    async with in_background(notifications.run()):
        yield notifications
