"""The one service behind gRPC and REST: starts songs, finds them again, and lets callers listen."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence

from melisma.v1 import music_pb2
from server.contract.paging import page_size, place_of, song_token
from server.contract.requests import song_request
from server.errors import RequestIdReused, UnknownSong
from server.logs import bind
from server.song import SongRequest
from server.songs.engine_catalog import EngineCatalog
from server.songs.eviction import Eviction
from server.songs.library import Library
from server.songs.making import Making, new_song_id
from server.songs.open_recordings import OpenRecordings
from server.songs.ports import SongRunner
from server.songs.recording import Recording
from server.store.base import SongRecord, SongStore

DEFAULT_PAGE_SIZE = 50


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
        song_id: Callable[[], str] = new_song_id,
        log_requests: bool = False,
    ) -> None:
        """`now_ns` is the wall clock, `song_id` names songs. `log_requests` puts prompts and lyrics into the log."""
        self.engines = EngineCatalog(runner, engines)
        self._runner = runner
        self._linger_seconds = linger_seconds
        self._open = OpenRecordings()
        self.eviction = Eviction(store, lambda: self._open.song_ids)
        self._library = Library(store, self._open)
        self._making = Making(
            runner,
            store,
            self._open,
            self.eviction,
            now_ns=now_ns,
            song_id=song_id,
            log_requests=log_requests,
        )

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
        return self._making.begin(request, fingerprint, None if detached else linger_seconds)

    async def find(self, song_id: str, caller: str | None = None) -> Recording:
        """A song to listen to; `None` finds it whosever it is. Raises UnknownSong."""
        recording = await self._library.recording(song_id)
        if recording is None or caller not in (None, recording.song.caller):
            raise UnknownSong(song_id)
        bind(song_id=song_id)
        recording.keep_for(self._linger_seconds)
        return recording

    async def get(self, song_id: str, caller: str) -> SongRecord:
        """What is known of a song; raises UnknownSong."""
        song = await self._library.record(song_id)
        if song is None or song.caller != caller:
            raise UnknownSong(song_id)
        bind(song_id=song_id)
        return song

    async def page(self, caller: str, asked: int = 0, token: str = "") -> tuple[Sequence[SongRecord], str]:
        """A caller's songs, newest first, and the token of the next page; raises InvalidRequest for a bad token.

        `asked` is the size that was asked for, 0 for the default.
        """
        size = page_size(asked, DEFAULT_PAGE_SIZE)
        songs = await self._library.page(caller, place_of(token), size + 1)
        return songs[:size], song_token(songs[size - 1]) if len(songs) > size else ""

    async def cancel(self, song_id: str, caller: str) -> SongRecord:
        """Stop making a song, whoever listens; one that has ended stays as it is. Raises UnknownSong."""
        song = await self.get(song_id, caller)
        if made := self._open.made(song_id):
            self._making.stop(made.recording, reason="its caller has cancelled the song")
            return made.recording.song
        return song

    @property
    def listeners(self) -> int:
        """The number of listeners now."""
        return self._open.listeners

    async def close(self) -> None:
        """Wait until what has ended is stored; to be called when the runner has stopped."""
        await self._making.close()

    async def _song_request(
        self, message: music_pb2.GenerateRequest, caller: str, deadline: float | None
    ) -> SongRequest:
        known = (self._runner.engines(), self.engines.default, deadline, caller)
        if message.anchor.WhichOneof("melody") == "midi":
            # A hostile file takes up to a second to refuse; the loop has other songs to stream meanwhile.
            return await asyncio.to_thread(song_request, message, *known)
        return song_request(message, *known)

    async def _asked_before(self, request: SongRequest, fingerprint: str) -> Recording | None:
        """The song of the same request before, unless it has failed or was cancelled."""
        asked = (request.caller, request.request_id)
        found = self._making.being_made(*asked) or await self._library.completed(*asked)
        # Another call with the same id may have come in between.
        found = found or self._making.being_made(*asked)
        if found is not None and found.song.fingerprint != fingerprint:
            raise RequestIdReused(request.request_id)
        return found
