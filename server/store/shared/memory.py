"""Monitors the memory of the song directory (Redis or Valkey), so that new songs are refused before it is full."""

import asyncio
import logging
from typing import Final

from redis import exceptions
from redis.asyncio import Redis

from server.store.watcher import StoreWatcher

ROOM_SHARE: Final = 0.8
"""Share of the song directory's memory limit above which new songs are refused; the rest is for the running songs."""

_LOOK_SECONDS: Final = 2.0

logger = logging.getLogger(__name__)


class DirectoryMemory:
    """The last known memory usage of the song directory (Redis or Valkey). Without a readable memory limit, the memory
    never counts as short.
    """

    def __init__(self, client: Redis, watcher: StoreWatcher) -> None:
        self._client = client
        self._watcher = watcher
        self._short = False

    @property
    def short(self) -> bool:
        """True while the song directory's memory is nearly full, so that new songs must be refused."""
        return self._short

    async def look(self) -> None:
        """Read the memory usage of the song directory once; no effect if that fails."""
        try:
            info = await self._client.info("memory")
        except exceptions.NoPermissionError:
            return
        except (exceptions.RedisError, OSError, TimeoutError) as error:
            logger.debug(
                "the memory usage of the song directory could not be read; the server tries again soon: %s",
                error,
            )
            return
        # The limit does not include buffers for replicas and the append-only file.
        used_bytes = int(info["used_memory"]) - int(info.get("mem_not_counted_for_evict", 0))
        self._note(used_bytes, int(info.get("maxmemory", 0)))

    async def run(self) -> None:
        """Read the memory usage of the song directory every two seconds, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    def _note(self, used_bytes: int, limit_bytes: int) -> None:
        self._watcher.directory_memory(used_bytes, limit_bytes)
        short = used_bytes > ROOM_SHARE * limit_bytes > 0
        if short != self._short:
            self._short = short
            fields = {"used_bytes": used_bytes}
            if short:
                logger.warning(
                    "the memory of the song directory (Redis or Valkey) is nearly full, so new songs are refused: "
                    "raise its maxmemory",
                    extra=fields,
                )
            else:
                logger.warning(
                    "the song directory (Redis or Valkey) has free memory again, so new songs are accepted",
                    extra=fields,
                )
