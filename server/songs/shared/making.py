"""Follows the songs that this replica makes for a store that it shares, from their claim to their stored end."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from server.errors import EndedElsewhere, SongCancelled
from server.song import SongRequest, SongState
from server.songs.eviction import Eviction
from server.songs.making import CLOSE_SECONDS
from server.songs.open_recordings import Made, OpenRecordings
from server.songs.ports import CheckedSong, SongJob
from server.songs.recording import Recording, ended_record
from server.songs.shared.attending import Attending
from server.songs.shared.lease_watch import LeaseWatch
from server.songs.shared.mirrors import Mirrors
from server.songs.shared.stored_recorder import StoredRecorder
from server.songs.shared.storing import Pace, Storing
from server.store.base import NOT_KEPT, LeaseLost, SongStore, StoreFailed
from server.store.directory import Claim, Directory, Standing
from server.store.watcher import StoreWatcher

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Song:
    claim: Claim
    recorder: StoredRecorder
    job: SongJob


class SharedMaking:
    """Starts songs on a runner, stores what they tell before anybody hears it, and ends those that should end."""

    def __init__(
        self,
        store: SongStore,
        directory: Directory,
        opened: OpenRecordings,
        eviction: Eviction,
        *,
        attending: Attending,
        mirrors: Mirrors,
        now_ns: Callable[[], int],
        pace: Pace,
        lease_seconds: float,
        watcher: StoreWatcher,
    ) -> None:
        """`now_ns` is the wall clock."""
        self._store = store
        self._directory = directory
        self._open = opened
        self._eviction = eviction
        self._attending = attending
        self._mirrors = mirrors
        self._now_ns = now_ns
        self._pace = pace
        self._watch = LeaseWatch(lease_seconds)
        self.watcher = watcher
        self._songs: dict[str, _Song] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def begun(self) -> Collection[Recording]:
        """The recordings of the songs that are past their planning; what a song tells before does not wait here."""
        begun = (song_id for song_id, song in self._songs.items() if song.recorder.song.state is not SongState.QUEUED)
        return [made.recording for song_id in begun if (made := self._open.made(song_id))]

    def begin(self, claim: Claim, request: SongRequest, checked: CheckedSong, queue_position: int) -> Recording:
        """Start a song that this replica has claimed; what is returned follows it as far as it is stored.

        Raises:
            ServiceError: the runner takes no more songs; the claim is the caller's to end.
        """
        song_id = claim.song.song_id
        heard = Recording(
            claim.song,
            partial(self._store.read, song_id),
            linger_seconds=claim.linger_seconds,
            on_joined=self._joined,
            on_left=self._left,
        )
        recorder = StoredRecorder(heard, request, self._now_ns)
        job = checked.begin(song_id, recorder, queue_position)
        self._songs[song_id] = _Song(claim, recorder, job)
        self._watch.watch(song_id, job)
        self._open.begin(Made(heard, job))
        task = asyncio.create_task(self._keep(self._songs[song_id], heard), name=f"keep {song_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return heard

    def stop(self, recording: Recording, *, reason: str) -> None:
        """Cancel a song of this replica; its listeners are told the reason once its end is stored."""
        if song := self._songs.get(recording.song.song_id):
            song.recorder.cancel(SongCancelled(f"the song was cancelled: {reason}"))
            song.job.cancel()

    async def renew(self) -> None:
        """Renew the leases of this replica's songs, and act on the news of them."""
        asked_at = asyncio.get_running_loop().time()
        standings = await self._directory.renew([song.claim.lease for song in self._songs.values()])
        for song_id, standing in standings.items():
            if song := self._songs.get(song_id):
                if standing.held:
                    self._watch.renewed(song_id, asked_at)
                self._note(song, standing)

    async def end_unmade(self, claim: Claim, state: SongState, failure: EndedElsewhere | None = None) -> None:
        """Store the end of a song that this replica has claimed, and does not make."""
        song = ended_record(claim.song, state, self._now_ns(), failure, failure.reason if failure else "")
        try:
            await self._store.create(claim.song, claim.lease)
            await self._store.end(song, lease=claim.lease, at=claim.extent)
            await self._directory.settle(claim.lease, state, 0.0)
        except LeaseLost as lost:
            logger.warning("%s", lost)

    async def settled(self) -> None:
        """Return at once: ends are told to listeners after they are told to the directory."""

    async def close(self) -> None:
        """Wait until what has ended is stored, but not for long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note(self, song: _Song, standing: Standing) -> None:
        if not standing.held:
            song.job.cancel()
            return
        recording = self._open.made(song.claim.song.song_id)
        if recording is None:
            return
        song.recorder.listened(standing)
        if standing.cancelled:
            self.stop(recording.recording, reason="its caller has cancelled the song")
        elif not standing.attended and song.claim.linger_seconds is not None:
            self.stop(recording.recording, reason="its listeners have left")

    async def _keep(self, song: _Song, heard: Recording) -> None:
        song_id = song.claim.song.song_id
        storing = Storing(self._store, self._directory, song.claim, song.recorder, heard, self._pace)
        try:
            await storing.run(song.job.cancel)
            if heard.song.reason == NOT_KEPT:
                self.watcher.not_kept()
        except LeaseLost:
            logger.warning("a song is made elsewhere now", extra={"song_id": song_id})
            self.watcher.lease_lost()
            song.job.cancel()
            self._mirrors.follow(heard)
        except StoreFailed as error:
            logger.error("a song cannot be kept: %s", error)
            self.watcher.not_kept()
            song.job.cancel()
        finally:
            del self._songs[song_id]
            self._watch.forget(song_id)
            self._open.stored(song_id)
        await self._eviction.evict()

    def _joined(self, recording: Recording) -> None:
        self._open.joined(recording)
        self._attending.joined(recording)

    def _left(self, recording: Recording) -> None:
        self._open.left(recording)
        self._attending.left(recording)
