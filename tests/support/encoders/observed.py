"""Runs a pool of encoders for tests, with a stand-in for the server that records messages, and one for a worker that
sends sound.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing

import numpy as np

from model.song import SectionScore
from server.encoders.base import EncoderPool
from server.encoders.messages import Encoded, EncodingFailed
from server.encoders.restarting_pool import RestartingEncoders
from server.song import AudioSettings, Origin, SongCompleted, SongEvent
from server.workers.messages import SectionKey, SongKey, SoundTarget
from server.workers.ray.node.socket_path import parted
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import OpenSong, Sound
from tests.support.fakes import RATE_HERTZ, FakeEngine, params

AUDIO = AudioSettings(sample_rate_hertz=RATE_HERTZ)
WINDOW = np.full((2, RATE_HERTZ // 2), 0.5, np.float32)


class Server:
    """A stand-in for the server: an observer that records the messages of an encoder pool, the songs of lost encoders,
    and restarts.
    """

    def __init__(self) -> None:
        self.told: asyncio.Queue[Encoded | EncodingFailed] = asyncio.Queue()
        self.lost: list[str] = []
        self.restarts = 0
        self._changed = asyncio.Event()

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        self.told.put_nowait(message)

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        self.lost += song_ids

    def encoder_restarted(self) -> None:
        self.restarts += 1

    def encoders_changed(self) -> None:
        self._changed.set()

    async def change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def whole(self, song_id: str) -> list[SongEvent]:
        """Return the events of a song to its end; events of other songs are dropped."""
        events: list[SongEvent] = []
        while not (events and isinstance(events[-1], SongCompleted)):
            message = await self.told.get()
            if message.song_id == song_id:
                assert isinstance(message, Encoded)
                events += message.events
        return events


class Worker:
    """A stand-in for a worker process: it sends the sound of songs with two sections to encoders."""

    def __init__(self, pool: EncoderPool, links: EncoderLinks) -> None:
        self.pool = pool
        self.links = links

    def open(self, song_id: str, attempt: int = 0) -> None:
        address = self.pool.address_of(song_id)
        assert address is not None
        plan = FakeEngine().plan(params())
        opened = OpenSong(SongKey(song_id, attempt), AUDIO, "", "", plan, RATE_HERTZ, Origin("0f"))
        self.links.open(SoundTarget(parted(address)[1], AUDIO), opened)

    def section(self, song_id: str, index: int, attempt: int = 0, windows: int = 4) -> None:
        section = SectionKey(SongKey(song_id, attempt), index)
        for _ in range(windows):
            self.links.send(Sound(section, WINDOW.tobytes(), WINDOW.shape[1], score=SectionScore()))
        self.links.send(Sound(section, b"", 0, last=True, ends_song=index == 1))

    def whole(self, song_id: str) -> None:
        self.open(song_id)
        for index in range(2):
            self.section(song_id, index)


@asynccontextmanager
async def running(pool: RestartingEncoders, *songs: str) -> AsyncIterator[tuple[Server, Worker]]:
    async with observed(pool, server := Server()) as worker:
        for song in songs:
            pool.enter(song)
        yield server, worker


@asynccontextmanager
async def observed(pool: RestartingEncoders, server: Server) -> AsyncIterator[Worker]:
    run = asyncio.create_task(pool.run(server))
    try:
        with closing(EncoderLinks()) as links:
            async with asyncio.timeout(30.0):
                await pool.settled()
                yield Worker(pool, links)
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
