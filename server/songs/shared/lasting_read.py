"""Reads the sound of a running song from a shared store that may have lost its last writes; the lost sound is then
stored again within seconds.
"""

import asyncio
from typing import Final

from server.store.base import SongGone, SongStore, StoreFailed

_PAUSES_SECONDS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0)


async def lasting_read(store: SongStore, song_id: str, offset: int, size: int) -> bytes:
    """Return `size` bytes of a song's stored sound from byte `offset` on. If bytes are missing, wait some seconds for
    the server that makes the song to store them again.

    Fewer bytes are returned if some are still missing then.

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
