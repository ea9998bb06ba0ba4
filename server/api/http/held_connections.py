"""The connections of one port: how many there are, whose they are, and which of them give way to new ones."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from server.api.proxies import TrustedProxies


@dataclass(eq=False, slots=True)
class HeldConnection:
    """One connection, `waiting` while no whole request of it is being answered; `abort` closes it at once."""

    peer: str
    abort: Callable[[], object]
    waiting: bool = True


@dataclass
class HeldConnections:
    """Counts connections up to `count`, and of one peer up to `peer_count`. Lives on one event loop.

    Beyond that a connection that waits for a request gives way to a new one, the oldest first, and where all of them
    are at work the new one is refused: who connects and says nothing never locks anybody out. Trusted proxies, which
    bring the connections of many, are counted towards `count` alone.
    """

    count: int
    peer_count: int
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    refused: int = 0
    _of_peer: dict[str, dict[HeldConnection, None]] = field(default_factory=lambda: defaultdict(dict))
    _held: int = 0

    def admit(self, peer: str, abort: Callable[[], object]) -> HeldConnection | None:
        """Take a new connection in; `None` where there is no room for it."""
        if not self._has_room(peer):
            self.refused += 1
            return None
        connection = HeldConnection(peer, abort)
        self._of_peer[peer][connection] = None
        self._held += 1
        return connection

    def release(self, connection: HeldConnection) -> None:
        """Forget a connection that has ended; without effect for one that is forgotten already."""
        own = self._of_peer.get(connection.peer, {})
        if connection in own:
            del own[connection]
            self._held -= 1
        if not own:
            self._of_peer.pop(connection.peer, None)

    def waits(self, connection: HeldConnection) -> None:
        """Note that a connection waits for its next request from now on; it becomes the last to give way."""
        connection.waiting = True
        own = self._of_peer.get(connection.peer, {})
        if connection in own:
            del own[connection]
            own[connection] = None

    def make_room(self) -> bool:
        """Close the connection of the busiest peer that waits longest; False where none waits."""
        busiest_first = sorted(self._of_peer, key=lambda peer: len(self._of_peer[peer]), reverse=True)
        return any(self._close_one(peer) for peer in busiest_first)

    def __len__(self) -> int:
        """The number of connections."""
        return self._held

    def _has_room(self, peer: str) -> bool:
        if len(self._of_peer.get(peer, ())) >= self.peer_count and not self.proxies.trusts(peer):
            return self._close_one(peer)
        return self._held < self.count or self.make_room()

    def _close_one(self, peer: str) -> bool:
        waiting = next((one for one in self._of_peer[peer] if one.waiting), None)
        if waiting is None:
            return False
        self.release(waiting)
        waiting.abort()
        return True
