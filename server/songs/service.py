"""The one service behind gRPC and REST: starts songs, records and keeps what they tell, and lets callers listen."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Protocol
from weakref import WeakValueDictionary

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from server.contract.events import response
from server.contract.page_token import page_token, place_of
from server.contract.requests import song_request
from server.contract.resources import engine_message
from server.contract.status import outcome_of
from server.errors import (
    RequestIdReused,
    ServiceError,
    SongCancelled,
    SongFailed,
    UnknownEngine,
    UnknownSong,
)
from server.logs import bind
from server.song import Accepted, SongEvent, SongRequest
from server.songs.recording import Recording
from server.store.base import SongRecord, SongState, SongStore, StoreFailed

DEFAULT_PAGE_SIZE = 50
CLOSE_SECONDS = 5.0
CLEAN_UP_SECONDS = 600.0
KEEP_SECONDS = 0.5
"""How long what was told of a running song is only in memory: to keep every chunk by itself would cost most of all."""

NOT_KEPT = "NOT_KEPT"

logger = logging.getLogger(__name__)


class SongJob(AbstractAsyncContextManager["SongJob"], Protocol):
    """One song being made; leaving the context cancels what is not complete."""

    @property
    def accepted(self) -> Accepted:
        """The first thing to tell of the song."""

    def events(self) -> AsyncIterator[SongEvent]:
        """What happens to the song after `accepted`; raises ServiceError when it fails."""

    def cancel(self) -> None:
        """Take no further step; the events end."""


class SongRunner(Protocol):
    """What makes the songs."""

    def engines(self) -> Mapping[str, EngineInfo]:
        """The engines that are loaded, by name."""

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """The devices on which the engine is loaded."""

    def ready(self, engine: str) -> bool:
        """Whether the engine takes songs now."""

    def submit(self, request: SongRequest) -> SongJob:
        """Start making a song, or raise ServiceError."""


class Songs:
    """All songs of one server. `engines` names what is configured; the first is the default.

    A song that was asked for with a `request_id`, or that somebody has listened to by its name, goes on for
    `linger_seconds` after its last listener has left; a detached one to its end; any other is cancelled at once.
    """

    def __init__(
        self,
        runner: SongRunner,
        engines: tuple[str, ...],
        store: SongStore,
        *,
        linger_seconds: float = 10.0,
        now_ns: Callable[[], int] = time.time_ns,
        log_requests: bool = False,
    ) -> None:
        """`now_ns` is the wall clock. `log_requests` puts prompts and lyrics into the log."""
        self._runner = runner
        self._engines = engines
        self._store = store
        self._linger_seconds = linger_seconds
        self._now_ns = now_ns
        self._log_requests = log_requests
        self._known: WeakValueDictionary[str, Recording] = WeakValueDictionary()
        self._made: dict[str, tuple[Recording, SongJob]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def generate(
        self,
        message: music_pb2.GenerateRequest,
        caller: str,
        *,
        deadline: float | None = None,
        detached: bool = False,
    ) -> Recording:
        """A song as asked for: a new one, or that of the same request before. To be listened to without delay.

        `deadline` is on the runner's clock, in seconds.

        Raises:
            RequestIdReused: the caller has used the `request_id` for another request.
            ServiceError: what the rules of the contract, the engine and the runner refuse.
        """
        request = await self._song_request(message, caller, deadline)
        fingerprint = hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
        if message.request_id and (again := await self._asked_before(request, fingerprint)):
            bind(song_id=again.song.song_id)
            return again
        linger_seconds = self._linger_seconds if message.request_id else 0.0
        return self._begin(request, fingerprint, None if detached else linger_seconds)

    async def find(self, song_id: str, caller: str | None = None) -> Recording:
        """A song to listen to; `None` finds it whosever it is. Raises UnknownSong."""
        recording = self._known.get(song_id) or await self._load(song_id)
        if recording is None or caller not in (None, recording.song.caller):
            raise UnknownSong(song_id)
        bind(song_id=song_id)
        recording.keep_for(self._linger_seconds)
        return recording

    async def get(self, song_id: str, caller: str) -> SongRecord:
        """What is known of a song; raises UnknownSong."""
        known = self._known.get(song_id)
        song = known.song if known else await self._store.get(song_id)
        if song is None or song.caller != caller:
            raise UnknownSong(song_id)
        bind(song_id=song_id)
        return self._present(song)

    async def page(self, caller: str, page_size: int = 0, token: str = "") -> tuple[Sequence[SongRecord], str]:
        """A caller's songs, newest first, and the token of the next page; raises InvalidRequest for a bad token."""
        size = page_size or DEFAULT_PAGE_SIZE
        songs = await self._store.page(caller, place_of(token), size + 1)
        return [self._present(song) for song in songs[:size]], page_token(songs[size - 1]) if len(songs) > size else ""

    async def cancel(self, song_id: str, caller: str) -> SongRecord:
        """Stop making a song, whoever listens; one that has ended stays as it is. Raises UnknownSong."""
        song = await self.get(song_id, caller)
        if song_id in self._made:
            self._stop(self._made[song_id][0], "its caller has cancelled the song")
            return self._made[song_id][0].song
        return song

    def engines(self) -> list[music_pb2.Engine]:
        """All configured engines, loaded or not; the default comes first."""
        return list(map(self.engine, self._engines))

    def engine(self, name: str) -> music_pb2.Engine:
        """One configured engine; raises UnknownEngine."""
        if name not in self._engines:
            raise UnknownEngine(name, self._engines)
        info, devices = self._runner.engines().get(name), self._runner.engine_devices(name)
        return engine_message(name, info, devices, ready=self._runner.ready(name))

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(recording.listeners for recording in self._known.values())

    async def clean_up(self) -> None:
        """Delete kept songs beyond the limits of the store."""
        try:
            deleted = await self._store.clean_up(frozenset(self._known))
        except StoreFailed as error:
            logger.error("the song store was not cleaned up: %s", error)
            return
        if deleted:
            logger.info("songs deleted from the store", extra={"songs": deleted})

    async def keep_clean(self) -> None:
        """Clean up now and again, for ever: songs grow old without anything else happening."""
        while True:
            await self.clean_up()
            await asyncio.sleep(CLEAN_UP_SECONDS)

    async def close(self) -> None:
        """Wait until what has ended is kept; to be called when the runner has stopped."""
        for timer in self._timers.values():
            timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _song_request(
        self, message: music_pb2.GenerateRequest, caller: str, deadline: float | None
    ) -> SongRequest:
        known = (self._runner.engines(), self._engines[0], deadline, caller)
        if message.anchor.WhichOneof("melody") == "midi":
            # A hostile file takes up to a second to refuse; the loop has other songs to stream meanwhile.
            return await asyncio.to_thread(song_request, message, *known)
        return song_request(message, *known)

    async def _asked_before(self, request: SongRequest, fingerprint: str) -> Recording | None:
        """The song of the same request before, unless it has failed or was cancelled."""
        if (being_made := self._being_made(request)) is None:
            stored = await self._store.find(request.caller, request.request_id)
            if stored is not None and stored.state is SongState.COMPLETED:
                return _same(await self._load(stored.song_id), fingerprint)
            # Another call with the same id may have come in between.
            being_made = self._being_made(request)
        return _same(being_made, fingerprint)

    def _being_made(self, request: SongRequest) -> Recording | None:
        for recording, _ in self._made.values():
            song = recording.song
            asked = (song.caller, song.request_id) == (request.caller, request.request_id)
            if asked and song.state not in (SongState.FAILED, SongState.CANCELLED):
                return recording
        return None

    async def _load(self, song_id: str) -> Recording | None:
        found = await self._store.load(song_id)
        if (known := self._known.get(song_id)) or found is None:
            return known
        song, events = found
        recording = self._recording(self._present(song), None)
        recording.restore(events)
        return recording

    def _begin(self, request: SongRequest, fingerprint: str, linger_seconds: float | None) -> Recording:
        job = self._runner.submit(request)
        song = SongRecord(
            song_id=job.accepted.song_id,
            caller=request.caller,
            request_id=request.request_id,
            fingerprint=fingerprint,
            engine=request.engine,
            prompt=request.params.prompt,
            seed=request.params.seed,
            created_ns=self._now_ns(),
        )
        bind(song_id=song.song_id)
        logger.info("song accepted", extra=self._told(request, song))
        recording = self._recording(song, linger_seconds)
        recording.tell(response(job.accepted, request))
        self._made[song.song_id] = (recording, job)
        self._run(self._record(recording, job, request), f"record {song.song_id}")
        self._run(self._keep(recording), f"keep {song.song_id}")
        return recording

    def _recording(self, song: SongRecord, linger_seconds: float | None) -> Recording:
        read = partial(self._store.read, song.song_id)
        recording = Recording(song, read, linger_seconds=linger_seconds, on_left=self._left)
        self._known[song.song_id] = recording
        return recording

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _record(self, recording: Recording, job: SongJob, request: SongRequest) -> None:
        try:
            async with job:
                async for event in job.events():
                    recording.tell(response(event, request))
                    await recording.wanted()
            state = SongState.COMPLETED if recording.complete else SongState.CANCELLED
            recording.end(state, self._now_ns(), None if recording.complete else SongCancelled("the song has ended"))
        except ServiceError as error:
            self._fail(recording, error)
        except Exception:
            logger.exception("a song could not be recorded")
            self._fail(recording, SongFailed("the song could not be recorded"))

    def _fail(self, recording: Recording, error: ServiceError) -> None:
        recording.end(SongState.FAILED, self._now_ns(), error, reason=outcome_of(error).reason)

    async def _keep(self, recording: Recording) -> None:
        """Keep what is told of a song until it ends. A song that cannot be kept goes on for those who listen."""
        try:
            await self._keep_all(recording)
        except StoreFailed as error:
            logger.error("a song cannot be kept, and goes on for its listeners alone: %s", error)
            if not recording.listeners:
                self._fail(recording, SongFailed("the song could not be kept"))
                self._made[recording.song.song_id][1].cancel()
            await recording.over()
            await self._note_loss(recording.song)
        finally:
            del self._made[recording.song.song_id]
        await self.clean_up()

    async def _keep_all(self, recording: Recording) -> None:
        await self._store.create(recording.song)
        kept = 0
        while not (recording.ended and kept == len(recording.entries)):
            await recording.news(kept)
            if entries := recording.entries[kept:]:
                song = replace(recording.song, state=SongState.RUNNING, ended_ns=None)
                events, sound = zip(*(entry.stored() for entry in entries), strict=True)
                await self._store.append(song, events, b"".join(sound))
                for entry in entries:
                    entry.forget_sound()
                kept += len(entries)
                with suppress(TimeoutError):
                    async with asyncio.timeout(KEEP_SECONDS):
                        await recording.over()
        await self._store.end(recording.song)

    async def _note_loss(self, song: SongRecord) -> None:
        try:
            stored = await self._store.get(song.song_id)
            if stored is not None:
                await self._store.end(_not_kept(replace(stored, ended_ns=song.ended_ns)))
        except StoreFailed as error:
            logger.error("the loss of a song could not be noted: %s", error)

    def _left(self, recording: Recording) -> None:
        song_id, linger_seconds = recording.song.song_id, recording.linger_seconds
        if recording.ended or linger_seconds is None:
            return
        if linger_seconds == 0:
            self._give_up(recording)
            return
        if timer := self._timers.pop(song_id, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[song_id] = loop.call_later(linger_seconds, self._give_up, recording)

    def _give_up(self, recording: Recording) -> None:
        self._timers.pop(recording.song.song_id, None)
        if not recording.listeners:
            self._stop(recording, "its listeners have left")

    def _stop(self, recording: Recording, reason: str) -> None:
        recording.end(SongState.CANCELLED, self._now_ns(), SongCancelled(f"the song was cancelled: {reason}"))
        if made := self._made.get(recording.song.song_id):
            made[1].cancel()

    def _present(self, song: SongRecord) -> SongRecord:
        """The song as it stands now; one that nobody makes and that has not ended was not kept."""
        if song.song_id in self._made:
            return self._made[song.song_id][0].song
        return song if song.state.ended else _not_kept(song)

    def _told(self, request: SongRequest, song: SongRecord) -> dict[str, object]:
        told: dict[str, object] = {
            "request_id": song.request_id,
            "song_id": song.song_id,
            "engine": song.engine,
            "caller": song.caller,
        }
        if self._log_requests:
            told |= {"prompt": request.params.prompt, "lyrics": request.params.lyrics}
        return told


def _same(recording: Recording | None, fingerprint: str) -> Recording | None:
    if recording is not None and recording.song.fingerprint != fingerprint:
        raise RequestIdReused(recording.song.request_id)
    return recording


def _not_kept(song: SongRecord) -> SongRecord:
    return replace(song, state=SongState.FAILED, reason=NOT_KEPT, error="the server could not keep the song")
