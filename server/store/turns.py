"""Serializes calls for the same song, while calls for different songs run at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Runs the calls for one song one after the other; calls for different songs run at the same time."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def taken(self, song_id: str) -> AsyncIterator[None]:
        """Context manager that waits for the earlier calls for a song; later calls for the song wait until the end of
        the context.
        """
        before, done = self._last.get(song_id), asyncio.get_running_loop().create_future()
        self._last[song_id] = done
        try:
            await _over(before)
            yield
        finally:
            done.set_result(None)
            if self._last[song_id] is done:
                del self._last[song_id]

    async def passed(self, song_id: str) -> None:
        """Wait until the earlier calls for a song are done. Later calls do not wait for the calling task."""
        await _over(self._last.get(song_id))


async def _over(call: "asyncio.Future[None] | None") -> None:
    if call is not None:
        # Unlike a plain await, this does not cancel the awaited call when the waiting task is cancelled.
        await asyncio.wait([call])
