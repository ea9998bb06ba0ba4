import asyncio

import pytest

from server.errors import WorkerLost
from server.generation.event_stream import ChunkStream
from server.song import Chunk, Progressed, SongEvent, Waiting


def chunk(sequence: int, size_bytes: int = 60) -> Chunk:
    return Chunk(sequence, bytes(size_bytes), 0, sequence * 0.5, 0.5, sequence * size_bytes, 0)


def stream() -> tuple[ChunkStream, list[str]]:
    rooms: list[str] = []
    return ChunkStream(100, lambda: rooms.append("room")), rooms


async def taken(chunks: ChunkStream) -> list[SongEvent]:
    return [event async for event in chunks.events()]


async def test_events_come_out_in_order_until_the_close() -> None:
    chunks, _ = stream()
    events: list[SongEvent] = [Progressed(0, 1, 2), chunk(0), Progressed(0, 2, 2), chunk(1)]
    for event in events:
        chunks.put(event)
    chunks.close()
    assert await taken(chunks) == events


async def test_a_reader_that_waits_gets_what_comes_later() -> None:
    chunks, _ = stream()
    reader = asyncio.create_task(taken(chunks))
    await asyncio.wait([reader], timeout=0)
    chunks.put(chunk(0))
    chunks.close()
    assert await reader == [chunk(0)]


async def test_unsent_sound_fills_the_stream_and_taking_it_makes_room_once() -> None:
    chunks, rooms = stream()
    for sequence in range(3):
        chunks.put(chunk(sequence))
    assert (chunks.full, chunks.unsent_bytes, chunks.unsent_seconds) == (True, 180, 1.5)
    reader = chunks.events()
    await anext(reader)
    assert chunks.full
    await anext(reader)
    assert (chunks.full, rooms) == (False, ["room"])
    await anext(reader)
    assert (chunks.unsent_bytes, chunks.unsent_seconds, rooms) == (0, 0.0, ["room"])


async def test_only_the_latest_progress_is_kept_for_a_slow_reader() -> None:
    chunks, _ = stream()
    for step in range(1, 5):
        chunks.put(Progressed(0, step, 4))
    chunks.close()
    assert await taken(chunks) == [Progressed(0, 4, 4)]


async def test_waiting_is_kept_beside_progress_and_once_only() -> None:
    chunks, _ = stream()
    for event in (Waiting(2), Waiting(1), Progressed(0, 1, 4), Waiting(0), Waiting(0, None, 3.0)):
        chunks.put(event)
    chunks.close()
    assert await taken(chunks) == [Waiting(1), Progressed(0, 1, 4), Waiting(0, None, 3.0)]


async def test_a_failure_comes_after_what_was_made_before() -> None:
    chunks, _ = stream()
    chunks.put(chunk(0))
    chunks.fail(WorkerLost("gone"))
    chunks.put(chunk(1))
    reader = chunks.events()
    assert await anext(reader) == chunk(0)
    with pytest.raises(WorkerLost):
        await anext(reader)


async def test_a_failure_after_the_close_is_too_late() -> None:
    chunks, _ = stream()
    chunks.close()
    chunks.fail(WorkerLost("gone"))
    assert await taken(chunks) == []


async def test_discarding_drops_what_was_not_taken() -> None:
    chunks, _ = stream()
    chunks.put(chunk(0, 200))
    chunks.discard()
    assert not chunks.full
    assert await taken(chunks) == []
