"""Wakes tasks of this process that wait for changes of a song or another topic."""

import asyncio


class Bulletin:
    """Wakes tasks that wait for changes of a topic, such as a song id. Only topics with waiting tasks use memory."""

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Event] = {}

    def next(self, topic: str) -> asyncio.Event:
        """Return an event that is set at the next change of a topic.

        The event must be requested before the state of the topic is read, so that no change is missed.
        """
        return self._next.setdefault(topic, asyncio.Event())

    def post(self, topic: str) -> None:
        """Wake the tasks that wait for a change of a topic."""
        if event := self._next.pop(topic, None):
            event.set()
