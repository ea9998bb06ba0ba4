"""The songs that this replica has claimed, from which it puts back what the directory has lost."""

import logging
from typing import Final
from weakref import WeakValueDictionary

from server.store.base import Lease
from server.store.directory import Claim, ClaimAction
from server.store.shared.connection import Connection
from server.store.shared.records import claim_bytes, lease_text, record_bytes

_ATTEND_SECONDS: Final = 6.0
"""Time after which those who listen to a song that was put back have told so again."""

_DONE: Final = 1
_MADE: Final = (ClaimAction.MAKE, ClaimAction.TAKE)

logger = logging.getLogger(__name__)


class Claims:
    """Knows each claim for as long as its maker holds it.

    A directory may come back without its last writes, or with none at all: a replica of it was promoted that was
    behind, or had never been filled. A song that is lost with them is put back under its claim, empty; its maker then
    finds that all of its sound is missing, and stores it again.

    A song that is only to be ended here stays as the directory has it: this replica has nothing of its sound.
    """

    def __init__(self, connection: Connection, lease_seconds: float) -> None:
        self._connection = connection
        self._lease_seconds = lease_seconds
        self._claims: WeakValueDictionary[str, Claim] = WeakValueDictionary()
        self._sounded: set[str] = set()

    def note(self, claim: Claim) -> Claim:
        """Know a claim, the last one of its song."""
        self._sounded.intersection_update(self._claims)
        self._sounded.discard(claim.song.song_id)
        self._claims[claim.song.song_id] = claim
        return claim

    def sounded(self, song_id: str) -> None:
        """Note that sound of a song is about to be written, which somebody may hear from then on."""
        self._sounded.add(song_id)

    def remove(self, lease: Lease) -> None:
        """Put the song of a lease back no more: it has gone for good."""
        if (claim := self._claims.get(lease.song_id)) and claim.lease == lease:
            del self._claims[lease.song_id]

    async def put_back(self, lease: Lease) -> bool:
        """Put a song back that the directory has lost; returns False where it is not this replica's, or no longer.

        Raises:
            StoreFailed: the directory is away, or has no room for it.
        """
        claim = self._claims.get(lease.song_id)
        if claim is None or claim.lease != lease or claim.action not in _MADE:
            return False
        stored = claim_bytes(claim, _ATTEND_SECONDS, heard=claim.heard or lease.song_id in self._sounded)
        terms = (lease_text(lease), stored, record_bytes(claim.song), claim.request)
        answer = await self._connection.run("put_back", self._lease_seconds, *terms)
        if answer == _DONE:
            logger.warning("the directory has lost a song, which was put back", extra={"song_id": lease.song_id})
        return bool(answer)
