"""Rebuilds the song directory (Redis or Valkey) from the object store, which contains every ended song with its
record.
"""

import logging

from server.store.base import Cursor, StoreFailed
from server.store.claim import Claim
from server.store.shared.connection import Connection
from server.store.shared.object_store.errors import ObjectsAway, ObjectsRefused
from server.store.shared.object_store.objects import Objects, Seal
from server.store.shared.records import lease_text, listed, record_bytes, record_of

logger = logging.getLogger(__name__)


async def rebuild(connection: Connection, objects: Objects) -> int:
    """Add all songs of the object store that are missing in the song directory, and return the number of added songs.

    This may be done at any time, and on several servers at once.

    Raises:
        StoreFailed: song directory or object store is unreachable; the songs added before stay.
    """
    restored = 0
    for seal in (await objects.seals()).values():
        try:
            restored += await _restore(connection, objects, seal)
        except (ObjectsAway, ObjectsRefused):
            raise
        except (StoreFailed, ValueError) as error:
            logger.warning(
                "a song could not be copied from the object store into the new song directory, and is left out: "
                "song %s: %s",
                seal.song_id,
                error,
                extra={"song_id": seal.song_id},
            )
    return restored


async def take_up(connection: Connection, objects: Objects, claim: Claim) -> bool:
    """Record the end of a song in the song directory if the song is complete in the object store, because the directory
    has lost that end; return False if the song is not complete.

    Raises:
        StoreFailed: song directory or object store is unreachable; the call must be repeated.
    """
    seal = (await objects.seals(claim.song.song_id)).get(claim.song.song_id)
    return seal is not None and bool(await _restore(connection, objects, seal, lease_text(claim.lease)))


async def _restore(connection: Connection, objects: Objects, seal: Seal, lease: str = "") -> int:
    stored, events = await objects.record(seal)
    song = record_of(stored)
    cursor = listed(Cursor(song.created_ns, song.song_id))
    asked = (song.caller, song.request_id, song.fingerprint, song.engine, cursor)
    end = (song.ended_ns or song.created_ns, song.size_bytes, seal.name, events)
    known = (song.song_id, record_bytes(song), song.state.value, song.owner, song.epoch)
    return int(await connection.run("restore", *known, *asked, *end, lease))
