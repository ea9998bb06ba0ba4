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

    A caller is the holder of a key, or an address. Calls that need no key although others do (health, load reports)
    have limits of their own, in total and per address, so that they cannot exhaust the limits of callers: one for open
    streams, and one for calls whose message has not arrived yet. Above the second limit the oldest such call is ended,
    so a client that sends its message at once always gets a response. A trusted proxy, which calls for many clients,
    may use the whole limit.
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
        """Return the caller of the present call: the holder of its API key, otherwise the client's address `peer`."""
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
"""Limits that never refuse a call, for servers that do not limit calls here."""
