"""Keeps the leases of songs (rights of a server to make a song), until a song has ended both in the song directory and
in the store.
"""

import secrets
from collections.abc import Callable
from typing import Final

from server.store.base import Lease, LeaseLost

_NONCE_BYTES: Final = 8
_NOBODY: Final = ""


class Leases:
    """The present lease of each song of this process. One thread grants leases, any thread may check them.

    A song that has ended in both the song directory and the store is removed, and its id is passed to `on_forgotten`.
    """

    def __init__(self) -> None:
        self.on_forgotten: Callable[[str], None] = lambda song_id: None
        self._leases: dict[str, Lease] = {}
        self._settled: set[str] = set()
        self._stored: set[str] = set()

    def grant(self, song_id: str, replica: str) -> Lease:
        """Grant a new lease of a song to the server `replica`; the song's earlier lease is no longer valid."""
        before = self._leases.get(song_id)
        epoch = before.epoch + 1 if before else 1
        lease = self._leases[song_id] = Lease(song_id, replica, epoch, secrets.token_hex(_NONCE_BYTES))
        return lease

    def holds(self, lease: Lease) -> bool:
        """Return True if this is the present lease of its song."""
        return self._leases.get(lease.song_id) == lease

    def require(self, lease: Lease) -> None:
        """Raise LeaseLost unless this is the present lease of its song."""
        if not self.holds(lease):
            raise LeaseLost(lease.song_id)

    def revoke(self, lease: Lease) -> None:
        """Withdraw the lease of a song; the song's next lease has the next epoch."""
        self._leases[lease.song_id] = Lease(lease.song_id, _NOBODY, lease.epoch, _NOBODY)

    def settled(self, song_id: str) -> None:
        """Record that the song directory has recorded that a song has ended."""
        self._note(self._settled, song_id)

    def stored(self, song_id: str) -> None:
        """Record that the final state of a song is stored in the store."""
        self._note(self._stored, song_id)

    def _note(self, ended: set[str], song_id: str) -> None:
        if song_id not in self._leases:
            return
        ended.add(song_id)
        if song_id in self._settled and song_id in self._stored:
            self._settled.remove(song_id)
            self._stored.remove(song_id)
            del self._leases[song_id]
            self.on_forgotten(song_id)
