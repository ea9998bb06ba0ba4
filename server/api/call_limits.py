"""Bounds the calls that are open at once: of one caller over gRPC and REST together, and of those that need no key."""

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
    """Bounds the calls that are open at once. Lives on one event loop.

    A caller is the holder of a key, or an address. Calls that need no key where others do (health, load reports) have a
    budget of their own, in all and per address, so that they cannot lock anybody out: one for open streams, and one for
    calls whose message has yet to arrive, of which the oldest is ended first. So a request that is sent at once is
    always answered. Trusted proxies call for many clients, and may use the whole budget.
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
        """The caller of the present call, which comes from the address `peer`."""
        return authenticated.get() or self.proxies.client(peer, headers)

    @contextmanager
    def of_caller(self, caller: str) -> Iterator[None]:
        """One call of a caller, open while the context lasts.

        Raises:
            TooManyCalls: the caller has as many as it may; the text says what to do.
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
        """One stream that needs no key, open while the context lasts.

        Raises:
            TooManyCalls: its address, or all of them together, have as many as they may.
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
"""Limits for servers whose calls are bounded elsewhere."""
