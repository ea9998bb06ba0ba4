"""Reads the sound of a running song from a store in which some of it may be missing for a moment."""

import asyncio
from typing import Final

from server.store.base import SongGone, SongStore, StoreFailed

_PAUSES_SECONDS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0)


async def lasting_read(store: SongStore, song_id: str, offset: int, size: int) -> bytes:
    """Return stored sound; if a part of it is missing, wait until the server that makes the song has stored it again.

    Returns fewer than `size` bytes if some are still missing after some seconds.

    Raises:
        StoreFailed: the store fails for that long, or does not have the song; SongGone at once if the song was deleted.
    """
    for pause_seconds in _PAUSES_SECONDS:
        try:
            sound = await store.read(song_id, offset, size)
        except SongGone:
            raise
        except StoreFailed:
            sound = b""
        if len(sound) == size:
            return sound
        await asyncio.sleep(pause_seconds)
    return await store.read(song_id, offset, size)
