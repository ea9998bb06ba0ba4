"""Shares device time fairly among callers.

The device time of each caller, divided by the caller's weight, is added up (start-time fair queueing: Goyal, Vin and
Cheng, 1996). A caller who returns after a pause starts at the level of the least served caller present, so idle time
gives no credit.
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
    """Accounts for the device time of each caller who has songs on this server, in seconds divided by the caller's
    weight.
    """

    def __init__(self, weights: Mapping[str, float] = MappingProxyType({})) -> None:
        """Set up the accounts; `weights` has the weights of callers, which are 1 for those not named."""
        self._weights = weights
        self._accounts: dict[str, _Account] = {}

    def enter(self, caller: str) -> None:
        """Increase the number of a caller's songs on this server by one; for a new caller, open an account."""
        if caller not in self._accounts:
            self._accounts[caller] = _Account(served=self._least())
        self._accounts[caller].songs += 1

    def leave(self, caller: str) -> None:
        """Decrease the number of a caller's songs on this server by one; after the last song, remove the account."""
        account = self._accounts[caller]
        account.songs -= 1
        if not account.songs:
            del self._accounts[caller]

    def charge(self, caller: str, seconds: float) -> None:
        """Charge a caller for `seconds` of device time; a caller without songs is not charged."""
        if account := self._accounts.get(caller):
            account.served += seconds / self._weights.get(caller, 1.0)

    def reserve(self, caller: str, seconds: float) -> None:
        """Charge a caller in advance for `seconds` of device time that its songs with a slot still need; a negative
        value cancels such a charge.
        """
        if account := self._accounts.get(caller):
            account.reserved += seconds / self._weights.get(caller, 1.0)

    def leads(self) -> dict[str, float]:
        """Return, by caller, how many device seconds (divided by weight) the caller has used more than the least served
        caller.
        """
        least = self._least()
        return {caller: account.served - least for caller, account in self._accounts.items()}

    def virtual_time(self, caller: str) -> float:
        """Return the device seconds, divided by weight, that a caller has used and that its songs with a slot will
        still use.
        """
        account = self._accounts[caller]
        return account.served + account.reserved

    def _least(self) -> float:
        return min((account.served for account in self._accounts.values()), default=0.0)
