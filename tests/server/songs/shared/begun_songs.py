"""A song of a service of two replicas, of which one replica has stored the beginning; no more events follow."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from server.song import SongEvent
from server.songs.recordings.recording import Recording
from tests.support.fake_runner import FakeRunner
from tests.support.replica_pair import LONG, REQUEST_ID, Pair, pair, request, until

WHOLE = (["accepted", "plan", *["chunk"] * 12, "finished"], b"sound" * 12)
HEARD_CHUNKS = 5


@asynccontextmanager
async def begun(
    folder: Path, chunks: int = HEARD_CHUNKS, *, here: Sequence[SongEvent] = LONG, **terms: Any
) -> AsyncIterator[tuple[Pair, Recording]]:
    """Context manager with a pair of replicas, and a song of the replica `there`, which has stored its first `chunks`
    chunks (`chunks` is their number) and does not continue it. If the other replica makes the song again, its runner
    sends the events `here`; `terms` are further parameters of `pair`.
    """
    there = LONG[: 1 + chunks]
    async with pair(there, folder=folder, hangs=True, here=FakeRunner(here), **terms) as replicas:
        recording = await replicas.there.generate(request(request_id=REQUEST_ID), "me")
        await until(lambda: len(recording.entries) == 2 + chunks)
        yield replicas, recording
