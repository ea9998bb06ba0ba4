"""Limits the number of open calls: of each caller (gRPC and REST together), and of calls that need no API key."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from server.api.peer_slots import PeerSlots
from server.api.proxies import Headers, TrustedProxies
from server.auth.caller import authenticated
from server.errors import TooManyCalls

RETRY_SECONDS = 1.0


@dataclass
class CallLimits:
    """Limits the number of open calls. Not thread-safe: use it on one event loop.

    Each caller (the holder of an API key, or an IP address) may have `caller_calls` open calls. Calls for which no API
    key is required (health checks, load reports) have limits of their own: `open_calls` in total and
    `open_calls_of_peer` per address. These two limits apply separately to open streams and to calls whose request
    message has not arrived yet. Above the limit of arriving calls the oldest one is ended, so a client that sends its
    message at once always gets a response. A trusted proxy, which calls for many clients, may use all `open_calls`.
    """

    caller_calls: int
    open_calls: int
    open_calls_of_peer: int
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    arriving: PeerSlots = field(init=False)
    _of_caller: Counter[str] = field(default_factory=Counter)
    _of_peer: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.arriving = PeerSlots(self.open_calls, self.open_calls_of_peer, self.proxies)

    def caller_at(self, peer: str, headers: Headers) -> str:
        """Return the name of the present call's caller: the holder of its API key, otherwise the IP address of the
        client.

        The address is `peer`, or the one that a trusted proxy at `peer` reports in `headers`.
        """
        return authenticated.get() or self.proxies.client(peer, headers)

    @contextmanager
    def of_caller(self, caller: str) -> Iterator[None]:
        """Context manager that counts a call as one of the open calls of `caller`.

        Raises:
            TooManyCalls: the caller already has as many open calls as allowed.
        """
        if self._of_caller[caller] >= self.caller_calls:
            raise TooManyCalls(
                f"this caller already has {self.caller_calls} open calls, the most allowed: end one of them, then "
                "call again",
                RETRY_SECONDS,
            )
        with _counted(self._of_caller, caller):
            yield

    @contextmanager
    def without_key(self, peer: str) -> Iterator[None]:
        """Context manager that counts one open stream of `peer` that needs no API key.

        Raises:
            TooManyCalls: the limit of the address `peer` or that of all such streams is reached.
        """
        own = self.open_calls if self.proxies.trusts(peer) else self.open_calls_of_peer
        if self._of_peer[peer] >= own or self._of_peer.total() >= self.open_calls:
            raise TooManyCalls(
                "too many calls to health and load reports are open: end one of them, or call again later",
                RETRY_SECONDS,
            )
        with _counted(self._of_peer, peer):
            yield


@contextmanager
def _counted(counter: Counter[str], name: str) -> Iterator[None]:
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if not counter[name]:
            del counter[name]


UNLIMITED = CallLimits(1 << 30, 1 << 30, 1 << 30)
"""Limits so high that no call is refused; the default of servers that are built without limits of calls."""
