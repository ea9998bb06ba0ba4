"""Requests for songs of the engine "fake", and the events of the songs."""

import asyncio
from collections.abc import Callable

from melisma.v1 import music_pb2
from server.songs.recordings.recording import Recording

REQUEST_ID = "6f2d1a5e-93a6-4f0f-9a5c-0d8f3c2b1a00"


def request(**fields: object) -> music_pb2.GenerateRequest:
    """Return a request for a song, changed by `fields`."""
    return music_pb2.GenerateRequest(**{"prompt": "pop", "seed": 5, **fields})  # type: ignore[arg-type]


async def heard(recording: Recording) -> list[str]:
    """Return the kinds of all events of a song, as a listener receives them."""
    with recording.listened() as told:
        return [str(one.message.WhichOneof("event")) async for one in told]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true, for at most 10 s."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
