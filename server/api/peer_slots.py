"""Limits the number of connections or calls of each peer. Those that have sent no request yet are ended to make room
for new ones.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from server.api.proxies import TrustedProxies


@dataclass(eq=False, slots=True)
class PeerSlot:
    """One connection or call of a peer, as counted by `PeerSlots`. `waiting` is True while the server waits for its
    request; the function `abort` ends the connection or call.
    """

    peer: str
    abort: Callable[[], object]
    waiting: bool = True


@dataclass
class PeerSlots:
    """Limits connections or calls (slots) to `count` in total and `peer_count` of one peer. Not thread-safe: use it on
    one event loop.

    Above a limit, the oldest slot that waits for a request is ended to admit the new one; if none waits, the new one is
    refused. So peers that connect and send nothing cannot lock others out. Trusted proxies carry the connections of
    many clients, and count only towards `count`.
    """

    count: int
    peer_count: int
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    closed: int = 0
    """The number of slots that were ended or refused because of a limit."""
    _of_peer: dict[str, dict[PeerSlot, None]] = field(default_factory=lambda: defaultdict(dict))
    _taken: int = 0

    def admit(self, peer: str, abort: Callable[[], object]) -> PeerSlot | None:
        """Take a slot for a new connection or call of a peer and return it; `None` if no slot is free. The function
        `abort` ends the connection or call.
        """
        if not self._has_room(peer):
            self.closed += 1
            return None
        slot = PeerSlot(peer, abort)
        self._of_peer[peer][slot] = None
        self._taken += 1
        return slot

    def release(self, slot: PeerSlot) -> None:
        """Free the slot of a connection or call that has ended; no effect if it was already free."""
        own = self._of_peer.get(slot.peer, {})
        if slot in own:
            del own[slot]
            self._taken -= 1
        if not own:
            self._of_peer.pop(slot.peer, None)

    def mark_waiting(self, slot: PeerSlot) -> None:
        """Mark a connection or call (slot) as waiting for its next request from now on. Those that have waited longest
        are the first to be ended.
        """
        slot.waiting = True
        own = self._of_peer.get(slot.peer, {})
        if slot in own:
            del own[slot]
            own[slot] = None

    def make_room(self) -> bool:
        """End the longest waiting connection or call of the peer that has the most of them; return False if none is
        waiting for a request.
        """
        busiest_first = sorted(self._of_peer, key=lambda peer: len(self._of_peer[peer]), reverse=True)
        return any(self._end_one(peer) for peer in busiest_first)

    def __len__(self) -> int:
        """Return the number of open connections or calls (slots in use)."""
        return self._taken

    def _has_room(self, peer: str) -> bool:
        if len(self._of_peer.get(peer, ())) >= self.peer_count and not self.proxies.trusts(peer):
            return self._end_one(peer)
        return self._taken < self.count or self.make_room()

    def _end_one(self, peer: str) -> bool:
        waiting = next((slot for slot in self._of_peer[peer] if slot.waiting), None)
        if waiting is None:
            return False
        self.release(waiting)
        self.closed += 1
        waiting.abort()
        return True
