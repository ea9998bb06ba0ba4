"""Order of checks: callers in turn, those with the fewest checks in progress and the least cost first."""

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class TooManyWait(Exception):
    """There is no room for another request."""


MOST_DEBTORS = 1024
_LARGEST_CREDIT_SECONDS = 1.0


class Turns(Generic[T]):
    """Requests that wait for their check, and the callers that have one in progress.

    A caller is charged for the time of its checks. Among callers with as many in progress the least charged goes first;
    a new caller begins a second below the last one taken, so that waiting saves nothing up.
    """

    def __init__(self, waiting: int, waiting_per_caller: int, working_per_caller: int) -> None:
        """The limits: waiting requests in all and per caller, and checks in progress per caller."""
        self._waiting = waiting
        self._waiting_per_caller = waiting_per_caller
        self._queues: dict[str, deque[T]] = {}
        self._working_per_caller = working_per_caller
        self._working: Counter[str] = Counter()
        self._count = 0
        self._charged: OrderedDict[str, float] = OrderedDict()
        self._level = 0.0

    def enter(self, caller: str, request: T) -> None:
        """Add a request behind those of its caller.

        Raises:
            TooManyWait: too many wait, of this caller or in all.
        """
        queue = self._queues.get(caller, ())
        if self._count >= self._waiting or len(queue) >= self._waiting_per_caller:
            raise TooManyWait
        self._queues.setdefault(caller, deque()).append(request)
        self._count += 1

    def take(self) -> tuple[str, T] | None:
        """The next request and its caller, in progress from now on until `done`; `None` if none may be checked now."""
        caller = min(self._queues, key=lambda one: (self._working[one], self._charge_of(one)), default=None)
        if caller is None or self._working[caller] >= self._working_per_caller:
            return None
        queue = self._queues.pop(caller)
        request = queue.popleft()
        self._count -= 1
        if queue:
            self._queues[caller] = queue  # behind all others
        self._working[caller] += 1
        self._level = max(self._level, self._charge_of(caller))
        return caller, request

    def done(self, caller: str, seconds: float = 0.0) -> None:
        """Count one check of the caller less in progress, and charge the caller for its time."""
        self._charged[caller] = self._charge_of(caller) + seconds
        self._charged.move_to_end(caller)
        if len(self._charged) > MOST_DEBTORS:
            self._charged.popitem(last=False)
        self._working[caller] -= 1
        if not self._working[caller]:
            del self._working[caller]

    def leave(self, caller: str, request: T) -> None:
        """Remove a request, waiting or not."""
        queue = self._queues.get(caller)
        if queue is None or request not in queue:
            return
        queue.remove(request)
        self._count -= 1
        if not queue:
            del self._queues[caller]

    def _charge_of(self, caller: str) -> float:
        """The seconds charged to a caller, or one second less than the last one taken if that is more."""
        return max(self._charged.get(caller, 0.0), self._level - _LARGEST_CREDIT_SECONDS)
