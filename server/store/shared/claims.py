"""Keeps the songs that were assigned to this server, to register them again if the song directory loses them."""

import logging
from typing import Final
from weakref import WeakValueDictionary

from server.store.base import Lease
from server.store.claim import Claim, ClaimAction
from server.store.shared.connection import Connection
from server.store.shared.records import claim_bytes, lease_text, record_bytes

_ATTEND_SECONDS: Final = 6.0
"""Seconds for which the listeners of a song that was registered again count as present; servers report them again
within this time.
"""

_DONE: Final = 1
_MADE: Final = (ClaimAction.MAKE, ClaimAction.TAKE)

logger = logging.getLogger(__name__)


class Claims:
    """The songs that are assigned to this server now, with their leases.

    A song directory may lose its last writes, or all data, for example when a Redis replica that was behind is
    promoted. A lost song is registered again under its lease, without events; the server then finds that the song's
    sound is missing, and stores it again.

    A song that this server only has to end is not registered again, because the server does not have its sound.
    """

    def __init__(self, connection: Connection, lease_seconds: float) -> None:
        self._connection = connection
        self._lease_seconds = lease_seconds
        self._claims: WeakValueDictionary[str, Claim] = WeakValueDictionary()
        self._sounded: set[str] = set()

    def note(self, claim: Claim) -> Claim:
        """Store a song's assignment in place of an earlier one of the same song, and return the assignment."""
        self._sounded.intersection_update(self._claims)
        self._sounded.discard(claim.song.song_id)
        self._claims[claim.song.song_id] = claim
        return claim

    def sounded(self, song_id: str) -> None:
        """Record that sound of a song is about to be stored, so that listeners may get sound from now on."""
        self._sounded.add(song_id)

    def remove(self, lease: Lease) -> None:
        """Remove the assignment of a song that has ended or was deleted; no effect if the song has another lease
        now.
        """
        if (claim := self._claims.get(lease.song_id)) and claim.lease == lease:
            del self._claims[lease.song_id]

    async def put_back(self, lease: Lease) -> bool:
        """Register a song again that the song directory has lost; return False if the song is not assigned to this
        server under this lease.

        Raises:
            StoreFailed: the song directory is unreachable, or has no memory for the song.
        """
        claim = self._claims.get(lease.song_id)
        if claim is None or claim.lease != lease or claim.action not in _MADE:
            return False
        stored = claim_bytes(claim, _ATTEND_SECONDS, has_sound=claim.has_sound or lease.song_id in self._sounded)
        terms = (lease_text(lease), stored, record_bytes(claim.song), claim.request)
        answer = await self._connection.run("put_back", self._lease_seconds, *terms)
        if answer == _DONE:
            logger.warning(
                "the song directory had lost a running song of this server, which has registered it again: song %s",
                lease.song_id,
                extra={"song_id": lease.song_id},
            )
        return bool(answer)
