"""Follows songs of a shared store in a separate process, for bench_shared, and prints one line of JSON at the end."""

import asyncio
import json
import sys
import time

from server.store.base import Extent
from server.store.directory import Directory
from server.store.shared.service import shared_store
from tests.support.shared_stores import plan_for

CHUNK_BYTES = 8192
STAMP_BYTES = 8


async def follow(directory: Directory, song_id: str) -> list[float]:
    """Follow a song in the song directory of the shared store to its end. Return, for each chunk in order, the seconds
    from the writer's append to the arrival in this process.
    """
    delays: list[float] = []
    async for news in directory.follow(song_id, Extent()):
        now_ns = time.monotonic_ns()
        for at in range(0, len(news.sound), CHUNK_BYTES):
            stamp = int.from_bytes(news.sound[at : at + STAMP_BYTES], "big")
            delays.append((now_ns - stamp) / 1e9)
    return delays


async def main(url: str, folder: str, *song_ids: str) -> None:
    """Receive the songs until their ends, and print, as JSON, the delay of every chunk in seconds: from the writer's
    append to the arrival in this process.
    """
    async with shared_store(plan_for(url, f"file://{folder}")) as parts:
        print("ready", flush=True)
        delays = await asyncio.gather(*(follow(parts.directory, song_id) for song_id in song_ids))
    print(json.dumps(delays))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
