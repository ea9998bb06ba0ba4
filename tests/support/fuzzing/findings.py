"""Keeps what a server answered to many requests, and what of it is a fault of the server."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

AT_ONCE = 8
GOOD_SHARE = 0.3
"""The share of requests for songs that can be made; of the others, some ask for such songs as well."""
ANSWER_SECONDS = 20.0
"""A request that is not answered by then has frozen the server."""
MOST_FAULTS = 20
PLANNED = "planned"


@dataclass
class Findings:
    """The number of answers of each kind, and the first faults, each with what brings it about again."""

    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def planned(self) -> int:
        """Songs that were cancelled after their plan."""
        return self.answers[PLANNED]

    def fault(self, request: str, told: str, data: bytes) -> None:
        """Remember a fault and the beginning of its request."""
        self.answers["fault"] += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(f"{request}: {told}: {len(data)} bytes, {data[:300]!r}")


def chance_of(seed: int, number: int) -> random.Random:
    """Return the chance of one request: the same for the same seed and number, whatever requests came before."""
    return random.Random(f"{seed}:{number}")


async def send_all(numbers: range, send: Callable[[int], Awaitable[None]]) -> None:
    """Send the requests of those numbers, some of them at once."""
    left = iter(numbers)

    async def sending() -> None:
        for number in left:
            await send(number)

    async with asyncio.TaskGroup() as senders:
        for _ in range(AT_ONCE):
            senders.create_task(sending())
