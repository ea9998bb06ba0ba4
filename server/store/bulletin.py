"""Wakes those of one process who wait for news."""

import asyncio


class Bulletin:
    """Changes by topic, such as the id of a song. Only topics that are waited for take room."""

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Event] = {}

    def next(self, topic: str) -> asyncio.Event:
        """An event that is set at the next change; take it before looking, so that no change is missed."""
        return self._next.setdefault(topic, asyncio.Event())

    def post(self, topic: str) -> None:
        """Wake who waits for news of a topic."""
        if event := self._next.pop(topic, None):
            event.set()
