"""Decides the order of checks among callers: those with the fewest checks in progress first, then those that have used
the least checking time.
"""

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class TooManyWait(Exception):
    """Error: too many requests are waiting to be checked."""


MOST_DEBTORS = 1024
_LARGEST_CREDIT_SECONDS = 1.0


class Turns(Generic[T]):
    """Fair queue of the requests that wait for their check; it also counts each caller's checks in progress.

    A caller is charged for the time of its checks. Among callers with equally many checks in progress, the one with the
    smallest charge goes first. A new caller starts one second below the charge of the last caller served, so that idle
    callers do not gain priority.
    """

    def __init__(self, waiting: int, waiting_per_caller: int, working_per_caller: int) -> None:
        """Set up the queue with its limits: waiting requests in total and per caller, and checks in progress per
        caller.
        """
        self._waiting = waiting
        self._waiting_per_caller = waiting_per_caller
        self._queues: dict[str, deque[T]] = {}
        self._working_per_caller = working_per_caller
        self._working: Counter[str] = Counter()
        self._count = 0
        self._charged: OrderedDict[str, float] = OrderedDict()
        self._level = 0.0

    def enter(self, caller: str, request: T) -> None:
        """Add a request to the queue, after the waiting requests of the same caller.

        Raises:
            TooManyWait: too many requests wait, of this caller or in total.
        """
        queue = self._queues.get(caller, ())
        if self._count >= self._waiting or len(queue) >= self._waiting_per_caller:
            raise TooManyWait
        self._queues.setdefault(caller, deque()).append(request)
        self._count += 1

    def take(self) -> tuple[str, T] | None:
        """Remove the next request from the queue and return it with its caller; `None` if no request may be checked
        now. The request counts as in progress until `done` is called.
        """
        caller = min(self._queues, key=lambda one: (self._working[one], self._charge_of(one)), default=None)
        if caller is None or self._working[caller] >= self._working_per_caller:
            return None
        queue = self._queues.pop(caller)
        request = queue.popleft()
        self._count -= 1
        if queue:
            self._queues[caller] = queue  # the caller goes behind those with an equal charge
        self._working[caller] += 1
        self._level = max(self._level, self._charge_of(caller))
        return caller, request

    def done(self, caller: str, seconds: float = 0.0) -> None:
        """Record that a check of the caller has ended, and add its duration in seconds to the caller's charge."""
        self._charged[caller] = self._charge_of(caller) + seconds
        self._charged.move_to_end(caller)
        if len(self._charged) > MOST_DEBTORS:
            self._charged.popitem(last=False)
        self._working[caller] -= 1
        if not self._working[caller]:
            del self._working[caller]

    def leave(self, caller: str, request: T) -> None:
        """Remove a request from the queue; no effect if the request is not waiting any more."""
        queue = self._queues.get(caller)
        if queue is None or request not in queue:
            return
        queue.remove(request)
        self._count -= 1
        if not queue:
            del self._queues[caller]

    def _charge_of(self, caller: str) -> float:
        """Return the charge of a caller in seconds, at least that of the last caller served less one second."""
        return max(self._charged.get(caller, 0.0), self._level - _LARGEST_CREDIT_SECONDS)
