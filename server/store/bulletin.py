"""Wakes tasks of one process that wait for changes."""

import asyncio


class Bulletin:
    """Changes by topic, such as a song id. Only topics that are waited for take memory."""

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Event] = {}

    def next(self, topic: str) -> asyncio.Event:
        """An event that is set at the next change; get it before reading the state, so that no change is missed."""
        return self._next.setdefault(topic, asyncio.Event())

    def post(self, topic: str) -> None:
        """Wake the tasks that wait for a topic."""
        if event := self._next.pop(topic, None):
            event.set()
