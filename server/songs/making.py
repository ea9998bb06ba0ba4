"""Makes songs on a server with an embedded store, from the accepted request until the song's final state is stored."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from opentelemetry import trace

from server.errors import ServiceError, SongCancelled
from server.song import SongRequest, SongState
from server.songs.keeping import Keeping
from server.songs.lingering import Lingering
from server.songs.parts import SongParts
from server.songs.persistence import Fate, Persistence
from server.songs.ports import CheckedSong
from server.songs.recordings.open_recordings import Made
from server.songs.recordings.recorder import Recorder
from server.songs.recordings.recording import Recording
from server.store.claim import Claim

CLOSE_SECONDS = 5.0


class Making:
    """Starts songs, stores their events, and cancels songs without listeners, on a server with an embedded store."""

    def __init__(self, parts: SongParts) -> None:
        self._store = parts.store
        self._directory = parts.directory
        self._open = parts.opened
        self._eviction = parts.eviction
        self._now_ns = parts.clocks.now_ns
        self._watcher = parts.watcher
        self._persistence = Persistence(parts.store, parts.clocks.now_ns)
        self._lingering = Lingering(
            partial(self.stop, reason="all of its listeners have disconnected; to hear the song, request it again")
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._settling: set[asyncio.Task[None]] = set()

    def begin(self, claim: Claim, request: SongRequest, checked: CheckedSong, queue_position: int) -> Recording:
        """Start making a song that the song directory has assigned to this server, and return the song's recording
        (event log). `checked` is the checked `request`, `queue_position` the number of songs in the service before this
        one.

        Raises:
            ServiceError: the server starts no more songs.
        """
        song_id = claim.song.song_id
        recording = Recording(
            claim.song,
            partial(self._store.read, song_id),
            linger_seconds=claim.linger_seconds,
            on_joined=self._open.joined,
            on_left=self._last_listener_left,
        )
        recording.keeping = Keeping(done=False)
        made_by = trace.get_current_span().get_span_context()
        recording.maker = made_by if made_by.is_valid else None
        recorder = Recorder(recording, request, self._now_ns, lambda sound: self._settle(claim, recording, sound))
        try:
            job = checked.begin(song_id, recorder, queue_position)
        except ServiceError as error:
            recorder.end(error)
            raise
        self._open.begin(Made(recording, job))
        self._spawn(self._persist(recording, claim, job.cancel), f"keep {song_id}", self._tasks)
        return recording

    def stop(self, recording: Recording, *, reason: str) -> None:
        """Cancel a song; its listeners get the error SongCancelled with the reason."""
        error = SongCancelled(f"the song was cancelled: {reason}")
        recording.end(SongState.CANCELLED, self._now_ns(), error)
        if made := self._open.made(recording.song.song_id):
            made.job.cancel()

    async def settled(self) -> None:
        """Wait until the song directory (registry of running songs) has recorded the end of every song that has ended
        so far; this takes almost no time.
        """
        if self._settling:
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Wait, at most five seconds, until the final states of all songs that have ended are stored."""
        self._lingering.close()
        if tasks := self._tasks | self._settling:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _persist(self, recording: Recording, claim: Claim, cancel: Callable[[], None]) -> None:
        try:
            fate = await self._persistence.follow(recording, claim, cancel)
            if fate is Fate.LOST:  # a repeated request makes the song again
                self._watcher.not_kept(claim.song.engine)
                await self._directory.settle(claim.lease, SongState.FAILED, 0.0)
        finally:
            self._open.stored(recording.song.song_id)
        if fate is Fate.DISCARDED:
            self._open.found(recording)  # the caller can then still read the song's state for a moment
        await self._eviction.evict()

    def _settle(self, claim: Claim, recording: Recording, sound_seconds: float) -> None:
        """Release the song's slot (place among the running songs) and its share of the caller's quota at once, so that
        the caller may request the next song. The quota is charged for `sound_seconds` of sound.
        """
        work = self._directory.settle(claim.lease, recording.song.state, sound_seconds)
        self._spawn(work, f"settle {recording.song.song_id}", self._settling)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str, tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work, name=name)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _last_listener_left(self, recording: Recording) -> None:
        self._open.left(recording)
        self._lingering.last_listener_left(recording)
