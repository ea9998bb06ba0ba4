"""Makes the songs of a server with a shared store, from the assignment in the song directory (registry of songs) until
the song's final state is stored.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from server.background import BackgroundTasks
from server.errors import SongCancelled
from server.song import SongRequest, SongState
from server.songs.making import CLOSE_SECONDS
from server.songs.parts import SongParts
from server.songs.ports import CheckedSong, SongJob
from server.songs.recordings.logged_event import LoggedEvent
from server.songs.recordings.open_recordings import Made
from server.songs.recordings.recording import Recording
from server.songs.shared.attending import Attending
from server.songs.shared.lasting_read import lasting_read
from server.songs.shared.lease_watch import LeaseWatch
from server.songs.shared.mirrors import Mirrors
from server.songs.shared.stored_recorder import StoredRecorder
from server.songs.shared.storing import Pace, Storing
from server.store.base import LeaseLost, StoreFailed
from server.store.claim import Claim
from server.store.directory import LeaseStatus

DROP_SHARE = 1 / 6
"""Share of a lease duration within which a song must stop when another server has it; the renewal of other leases waits
for this.
"""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Song:
    """A song that this server is making. `offered` is True once other servers may take the song over; `keeping` is the
    task that stores the song.
    """

    claim: Claim
    recording: Recording
    recorder: StoredRecorder
    job: SongJob
    keeping: asyncio.Task[None] | None = None
    offered: bool = False


class SharedMaking:
    """Starts songs on a server with a shared store, stores their events before listeners get them, and cancels
    songs.
    """

    def __init__(
        self,
        parts: SongParts,
        tasks: BackgroundTasks,
        *,
        attending: Attending,
        mirrors: Mirrors,
        pace: Pace,
        lease_seconds: float,
    ) -> None:
        """Set up an object that makes songs. `attending` reports listeners to other servers, `mirrors` follows the
        songs of other servers, `pace` has the intervals and time limits of storing. The background tasks that store
        songs run in `tasks`, which `close` closes. A lease is valid for `lease_seconds` after its last renewal.
        """
        self._store = parts.store
        self._directory = parts.directory
        self._open = parts.opened
        self._eviction = parts.eviction
        self._now_ns = parts.clocks.now_ns
        self._attending = attending
        self._mirrors = mirrors
        self._pace = pace
        self._drop_seconds = lease_seconds * DROP_SHARE
        self._watch = LeaseWatch(lease_seconds)
        self.watcher = parts.watcher
        self._songs: dict[str, _Song] = {}
        self._tasks = tasks
        self.room = asyncio.Event()
        """Event that is set whenever this server may be able to start or take over another song."""

    @property
    def begun(self) -> Collection[Recording]:
        """The recordings (event logs) of the songs that this server is making and that have a plan."""
        begun = (song_id for song_id, song in self._songs.items() if song.recorder.song.state is not SongState.QUEUED)
        return [made.recording for song_id in begun if (made := self._open.made(song_id))]

    @property
    def repeating(self) -> int:
        """Number of songs that this server took over and is making again up to their stored part."""
        return sum(song.recorder.repeats for song in self._songs.values())

    def begin(
        self,
        claim: Claim,
        request: SongRequest,
        checked: CheckedSong,
        queue_position: int,
        stored: Sequence[LoggedEvent] = (),
    ) -> Recording:
        """Start making a song that was assigned to this server (`claim`), and return its recording (event log).
        `checked` is the checked `request`, `queue_position` the number of songs in the service before this one.

        `stored` are the events that an earlier server has stored; the recording begins with them.

        Raises:
            ServiceError: the server starts no more songs; the caller must then end the song.
        """
        song_id = claim.song.song_id
        recording = Recording(
            claim.song,
            partial(lasting_read, self._store, song_id),
            linger_seconds=claim.linger_seconds,
            on_joined=self._joined,
            on_left=self._last_listener_left,
        )
        for entry in stored:
            recording.append(entry.message)
        recording.sound.note_stored(len(stored))
        recorder = StoredRecorder(
            recording,
            request,
            self._now_ns,
            stored,
            on_differs=lambda: self._differs(song_id),
            on_repeated=lambda: self._repeated(song_id),
        )
        song = _Song(claim, recording, recorder, checked.begin(song_id, recorder, queue_position))
        self._songs[song_id] = song
        self._watch.watch(song_id, song.job)
        self._open.begin(Made(recording, song.job))
        song.keeping = self._tasks.start(self._persist(song), f"keep {song_id}")
        return recording

    def stop(self, recording: Recording, *, reason: str) -> None:
        """Cancel a song that this server makes; its listeners get SongCancelled, with the `reason` as text, once its
        final state is stored.
        """
        if song := self._songs.get(recording.song.song_id):
            song.recorder.cancel(SongCancelled(f"the song was cancelled: {reason}"))
            song.job.cancel()

    async def renew(self) -> None:
        """Renew the leases of this server's songs. Songs whose lease is lost or that were cancelled are stopped."""
        asked_at = asyncio.get_running_loop().time()
        lease_statuses = await self._directory.renew([song.claim.lease for song in self._songs.values()])
        for song_id, lease_status in lease_statuses.items():
            if song := self._songs.get(song_id):
                if lease_status.held:
                    self._watch.renewed(song_id, asked_at)
                self._note(song, lease_status)

    async def dropped(self, song_id: str) -> None:
        """Stop a song that this server still makes although its lease was lost, and wait until it has stopped."""
        if song := self._songs.get(song_id):
            song.job.cancel()
            if song.keeping is not None:
                await asyncio.wait([song.keeping], timeout=self._drop_seconds)
                if (
                    song.keeping.cancel()
                ):  # only listeners of this server are left; they get the song from its next server
                    await asyncio.wait([song.keeping])
                    self._mirrors.follow(song.recording)

    async def offer(self) -> None:
        """Offer all running songs to other servers, and continue each until one takes it. Raises StoreFailed."""
        songs = [song for song in self._songs.values() if not song.recorder.ended]
        for song in songs:
            song.offered = True
        await self._directory.offer([song.claim.lease for song in songs])

    async def hand_over(self) -> int:
        """Release all running songs for other servers and stop making them; return their number. Raises StoreFailed."""
        songs = [song for song in self._songs.values() if not song.recorder.ended]
        for song in songs:
            song.offered = True
            with suppress(LeaseLost):
                await self._directory.release(song.claim.lease)
            song.job.cancel()
        return len(songs)

    async def settled(self) -> None:
        """Return at once: a shared store records the end of a song before listeners get it."""

    async def close(self) -> None:
        """Wait, for a limited time, until the final states of all songs that have ended are stored."""
        await self._tasks.close(CLOSE_SECONDS)

    def _note(self, song: _Song, lease_status: LeaseStatus) -> None:
        if not lease_status.held:
            song.job.cancel()
            return
        recording = self._open.made(song.claim.song.song_id)
        if recording is None:
            return
        song.recorder.listened(lease_status)
        if lease_status.cancelled:
            self.stop(recording.recording, reason="its caller has cancelled it; to hear the song, request it again")
        elif not lease_status.attended and song.claim.linger_seconds is not None:
            self.stop(
                recording.recording, reason="all of its listeners have disconnected; to hear the song, request it again"
            )

    async def _persist(self, song: _Song) -> None:
        song_id, recording = song.claim.song.song_id, song.recording
        storing = Storing(self._store, self._directory, song.claim, song.recorder, recording, self._pace)
        try:
            await storing.run(song.job.cancel)
            if recording.keeping.lost:
                self.watcher.not_kept(song.claim.song.engine)
            else:
                self._mirrors.made(recording)
        except LeaseLost:
            self._note_loss(song)
            song.job.cancel()
            self._mirrors.follow(recording)
        except StoreFailed as error:
            logger.error("the song %s was cancelled, because the song store cannot store it: %s", song_id, error)
            self.watcher.not_kept(song.claim.song.engine)
            song.job.cancel()
        finally:
            del self._songs[song_id]
            self._watch.remove(song_id)
            self._open.stored(song_id)
            self.room.set()
        await self._eviction.evict()

    def _note_loss(self, song: _Song) -> None:
        fields = {"song_id": song.claim.song.song_id}
        if song.offered:
            logger.info("another server has taken a song that this server handed over", extra=fields)
            self.watcher.handed_over()
        else:
            logger.warning("another server has taken over a song of this server, whose lease had expired", extra=fields)
            self.watcher.lease_lost()

    def _differs(self, song_id: str) -> None:
        """Count in the metrics that a song differs from its stored part, and cancel the song's job once the present
        event is sent.
        """
        self.watcher.diverged()
        self.watcher.interrupted(self._songs[song_id].claim.song.engine)
        asyncio.get_running_loop().call_soon(self._songs[song_id].job.cancel)

    def _repeated(self, song_id: str) -> None:
        """Log that a song taken over from another server was made again up to the end of its stored part."""
        logger.info(
            "a song that this server took over has been made again up to the end of its stored part, and continues",
            extra={"song_id": song_id},
        )
        self.room.set()

    def _joined(self, recording: Recording) -> None:
        self._open.joined(recording)
        self._attending.joined(recording)

    def _last_listener_left(self, recording: Recording) -> None:
        self._open.left(recording)
        self._attending.left(recording)
