"""Follows the songs that are being made: from their request to their end in the store."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from functools import partial

from server.errors import SongCancelled
from server.logs import bind
from server.song import SongRequest, SongState
from server.songs.eviction import Eviction
from server.songs.lingering import Lingering
from server.songs.open_recordings import Made, OpenRecordings
from server.songs.persistence import Persistence
from server.songs.ports import SongRunner
from server.songs.recorder import Recorder
from server.songs.recording import Recording
from server.store.base import SongRecord, SongStore

CLOSE_SECONDS = 5.0

logger = logging.getLogger(__name__)


def new_song_id() -> str:
    """A name that no other song has."""
    return f"song-{uuid.uuid4()}"


class Making:
    """Starts songs on a runner, stores what they tell, and stops those that nobody listens to."""

    def __init__(
        self,
        runner: SongRunner,
        store: SongStore,
        opened: OpenRecordings,
        eviction: Eviction,
        *,
        now_ns: Callable[[], int],
        song_id: Callable[[], str],
        log_requests: bool,
    ) -> None:
        """`now_ns` is the wall clock, `song_id` names songs. `log_requests` puts prompts and lyrics into the log."""
        self._runner = runner
        self._store = store
        self._open = opened
        self._eviction = eviction
        self._now_ns = now_ns
        self._song_id = song_id
        self._log_requests = log_requests
        self._persistence = Persistence(store, now_ns)
        self._lingering = Lingering(partial(self.stop, reason="its listeners have left"))
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, request: SongRequest, fingerprint: str, linger_seconds: float | None) -> Recording:
        """Start a song, which may go on for `linger_seconds` without a listener, `None` for as long as it likes.

        Raises:
            ServiceError: the runner refuses the song.
        """
        song = self._record(request, fingerprint)
        recording = Recording(
            song,
            partial(self._store.read, song.song_id),
            linger_seconds=linger_seconds,
            on_joined=self._open.joined,
            on_left=self._last_listener_left,
        )
        job = self._runner.submit(song.song_id, request, Recorder(recording, request, self._now_ns))
        bind(song_id=song.song_id)
        logger.info("song accepted", extra=self._log_fields(request, song))
        self._open.begin(Made(recording, job))
        task = asyncio.create_task(self._keep(recording, job.cancel), name=f"keep {song.song_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return recording

    def being_made(self, caller: str, request_id: str) -> Recording | None:
        """The song of an earlier request, unless it has failed or was cancelled."""
        for made in self._open:
            song = made.recording.song
            asked = (song.caller, song.request_id) == (caller, request_id)
            if asked and song.state not in (SongState.FAILED, SongState.CANCELLED):
                return made.recording
        return None

    def stop(self, recording: Recording, *, reason: str) -> None:
        """Cancel a song; its listeners are told the reason."""
        error = SongCancelled(f"the song was cancelled: {reason}")
        recording.end(SongState.CANCELLED, self._now_ns(), error)
        if made := self._open.made(recording.song.song_id):
            made.job.cancel()

    async def close(self) -> None:
        """Wait until what has ended is stored, but not for long."""
        self._lingering.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, recording: Recording, cancel: Callable[[], None]) -> None:
        try:
            await self._persistence.follow(recording, cancel)
        finally:
            self._open.stored(recording.song.song_id)
        await self._eviction.evict()

    def _last_listener_left(self, recording: Recording) -> None:
        self._open.left(recording)
        self._lingering.last_listener_left(recording)

    def _record(self, request: SongRequest, fingerprint: str) -> SongRecord:
        return SongRecord(
            song_id=self._song_id(),
            caller=request.caller,
            request_id=request.request_id,
            fingerprint=fingerprint,
            engine=request.engine,
            prompt=request.params.prompt,
            seed=request.params.seed,
            created_ns=self._now_ns(),
            format=request.audio.format,
            owner=self._store.owner,
        )

    def _log_fields(self, request: SongRequest, song: SongRecord) -> dict[str, object]:
        fields: dict[str, object] = {
            "request_id": song.request_id,
            "song_id": song.song_id,
            "engine": song.engine,
            "caller": song.caller,
        }
        if self._log_requests:
            fields |= {"prompt": request.params.prompt, "lyrics": request.params.lyrics}
        return fields
