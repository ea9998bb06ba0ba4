"""Fair shares of device time between callers.

Device time given to a caller is divided by the caller's weight and added up (start-time fair queueing: Goyal, Vin and
Cheng, 1996). One who comes back after a pause starts level with the least served caller present: nobody saves up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(slots=True)
class _Account:
    songs: int = 0
    served: float = 0.0
    reserved: float = 0.0


class FairShare:
    """Fair shares: device seconds per weight that each caller with songs in the server was given."""

    def __init__(self, weights: Mapping[str, float] = MappingProxyType({})) -> None:
        """A caller that `weights` does not name has weight 1."""
        self._weights = weights
        self._accounts: dict[str, _Account] = {}

    def enter(self, caller: str) -> None:
        """Note one more song of the caller."""
        if caller not in self._accounts:
            self._accounts[caller] = _Account(served=self._least())
        self._accounts[caller].songs += 1

    def leave(self, caller: str) -> None:
        """Note one song less; a caller without songs is forgotten."""
        account = self._accounts[caller]
        account.songs -= 1
        if not account.songs:
            del self._accounts[caller]

    def charge(self, caller: str, seconds: float) -> None:
        """Note device time given to a caller; one that has left meanwhile owes nothing."""
        if account := self._accounts.get(caller):
            account.served += seconds / self._weights.get(caller, 1.0)

    def reserve(self, caller: str, seconds: float) -> None:
        """Note device time that the caller's songs with a slot still need; negative gives it back."""
        if account := self._accounts.get(caller):
            account.reserved += seconds / self._weights.get(caller, 1.0)

    def leads(self) -> dict[str, float]:
        """Lead of each caller over the least served one, in device seconds per weight."""
        least = self._least()
        return {caller: account.served - least for caller, account in self._accounts.items()}

    def virtual_time(self, caller: str) -> float:
        """Service that the caller was given, and that its songs with a slot will be given."""
        account = self._accounts[caller]
        return account.served + account.reserved

    def _least(self) -> float:
        return min((account.served for account in self._accounts.values()), default=0.0)
