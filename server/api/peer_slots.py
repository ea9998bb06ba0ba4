"""Slots for what peers hold open, connections or calls; slots that wait give way to new ones."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from server.api.proxies import TrustedProxies


@dataclass(eq=False, slots=True)
class PeerSlot:
    """One thing that a peer holds open, `waiting` while the server waits for its request; `abort` ends it at once."""

    peer: str
    abort: Callable[[], object]
    waiting: bool = True


@dataclass
class PeerSlots:
    """Counts slots up to `count`, and of one peer up to `peer_count`. Lives on one event loop.

    Beyond that one that waits for a request gives way to a new one, the oldest first, and where all of them are at work
    the new one is refused: who connects and says nothing never locks anybody out. Trusted proxies, which bring what is
    of many, are counted towards `count` alone.
    """

    count: int
    peer_count: int
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    closed: int = 0
    """Those that were ended or refused for want of room."""
    _of_peer: dict[str, dict[PeerSlot, None]] = field(default_factory=lambda: defaultdict(dict))
    _taken: int = 0

    def admit(self, peer: str, abort: Callable[[], object]) -> PeerSlot | None:
        """Take a slot; `None` where there is none."""
        if not self._has_room(peer):
            self.closed += 1
            return None
        slot = PeerSlot(peer, abort)
        self._of_peer[peer][slot] = None
        self._taken += 1
        return slot

    def release(self, slot: PeerSlot) -> None:
        """Give a slot back; without effect for one that was given back already."""
        own = self._of_peer.get(slot.peer, {})
        if slot in own:
            del own[slot]
            self._taken -= 1
        if not own:
            self._of_peer.pop(slot.peer, None)

    def mark_waiting(self, slot: PeerSlot) -> None:
        """Note that a slot waits for its next request from now on; it becomes the last to give way."""
        slot.waiting = True
        own = self._of_peer.get(slot.peer, {})
        if slot in own:
            del own[slot]
            own[slot] = None

    def make_room(self) -> bool:
        """End what waits longest of the busiest peer; False where nothing waits."""
        busiest_first = sorted(self._of_peer, key=lambda peer: len(self._of_peer[peer]), reverse=True)
        return any(self._end_one(peer) for peer in busiest_first)

    def __len__(self) -> int:
        """The number of slots that are taken."""
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
