"""Counts a server's responses to many requests, and records those that are faults of the server."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

AT_ONCE = 8
GOOD_SHARE = 0.3
"""Share of requests for songs that can be made; some of the other requests are also valid."""
ANSWER_SECONDS = 20.0
"""Seconds after which a request without a response counts as a fault: the server is blocked."""
MOST_FAULTS = 20
PLANNED = "planned"


@dataclass
class Findings:
    """The number of responses of each kind, and the first faults, each with the request that repeats it."""

    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def planned(self) -> int:
        """Number of songs that the client cancelled once their plan had arrived."""
        return self.answers[PLANNED]

    def fault(self, request: str, told: str, data: bytes) -> None:
        """Record a fault of the server: `request` is the name that repeats the request, `told` the response; of `data`,
        the bytes of the request, only the beginning is kept.
        """
        self.answers["fault"] += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(f"{request}: {told}: {len(data)} bytes, {data[:300]!r}")


def chance_of(seed: int, number: int) -> random.Random:
    """Return the random generator of one request, which depends only on the seed and the number of the request."""
    return random.Random(f"{seed}:{number}")


async def send_all(numbers: range, send: Callable[[int], Awaitable[None]]) -> None:
    """Send the requests with these numbers, several at the same time."""
    left = iter(numbers)

    async def sending() -> None:
        for number in left:
            await send(number)

    async with asyncio.TaskGroup() as senders:
        for _ in range(AT_ONCE):
            senders.create_task(sending())
