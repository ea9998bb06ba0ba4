"""The songs service behind gRPC and REST: starts songs, finds earlier ones, and lets callers listen to them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from opentelemetry import trace

from melisma.v1 import music_pb2
from server.checking.base import RequestChecker
from server.contract.paging import cursor_of, page_size, song_token
from server.contract.requests import song_request
from server.errors import UnknownSong
from server.logs import bind
from server.songs.admission import SongAdmission
from server.songs.credentials import Credentials, Signer
from server.songs.deletion import Deletion
from server.songs.engine_catalog import EngineCatalog
from server.songs.eviction import Eviction
from server.songs.faults import counted_faults
from server.songs.library import Library
from server.songs.making import Making
from server.songs.parts import SYSTEM_CLOCKS, Clocks, SongParts
from server.songs.ports import SongRunner
from server.songs.recordings.open_recordings import OpenRecordings
from server.songs.recordings.recording import Recording
from server.songs.shared.demand import Work
from server.songs.shared.sharing import Sharing, SharingRules
from server.songs.tickets import Terms, Tickets, new_song_id, no_terms
from server.store.base import SongRecord, SongStore
from server.store.directory import Directory
from server.store.watcher import UNWATCHED, StoreWatcher
from server.store.whole_service import ServedEngine

DEFAULT_PAGE_SIZE = 50
DEFAULT_SHARING = SharingRules()
CANCEL_SECONDS = 1.0
"""Time limit in seconds for waiting until a cancelled song has ended; then the caller gets the song's present state."""


class Songs:
    """The songs service of one server. `engines` are the configured engines; the first is the default.

    When the last listener of a song leaves, the song is usually cancelled at once. A song with a `request_id`, or one
    that was listened to by its id, is made for `linger_seconds` more; a detached song is made to its end.
    """

    def __init__(
        self,
        runner: SongRunner,
        engines: tuple[str, ...],
        store: SongStore,
        directory: Directory,
        *,
        checker: RequestChecker,
        terms: Callable[[str], Terms] = no_terms,
        linger_seconds: float = 10.0,
        clocks: Clocks = SYSTEM_CLOCKS,
        song_id: Callable[[], str] = new_song_id,
        log_requests: bool = False,
        watcher: StoreWatcher = UNWATCHED,
        sharing: SharingRules = DEFAULT_SHARING,
        signer: Signer | None = None,
    ) -> None:
        """Set up the songs service. `runner` makes songs, `checker` checks requests as the engines do, `terms` returns
        the present quota and weight of a caller, `signer` signs C2PA manifests.

        `song_id` makes new ids. With `log_requests` prompts and lyrics are logged. `sharing` applies only to a shared
        store; `watcher` counts the store's failures and lost songs.
        """
        self._runner = runner
        self._linger_seconds = linger_seconds
        self._open = OpenRecordings()
        self.eviction = Eviction(store, lambda: self._open.song_ids)
        self.credentials = Credentials(signer)
        self.deletion = Deletion(store, self._open, self.credentials.remove)
        self.engines = EngineCatalog(runner, engines, self._served, self._unserved)
        parts = SongParts(runner, store, directory, self._open, self.eviction, clocks, watcher)
        self._tickets = Tickets(parts, terms=terms, song_id=song_id)
        self._sharing = None if store.embedded else Sharing(parts, self._tickets, engines=engines, rules=sharing)
        self._making = self._sharing.making if self._sharing else Making(parts)
        self._library = self._library_of(parts)
        self._admission = self._admission_of(parts, checker, log_requests=log_requests)
        self._engine_names = frozenset(engines)

    async def generate(
        self,
        message: music_pb2.GenerateRequest,
        caller: str,
        *,
        deadline: float | None = None,
        detached: bool = False,
    ) -> Recording:
        """Start a new song and return its recording (event log). If the caller has already used the request id, return
        the recording of that earlier song. A listener must join the recording without delay.

        `deadline` is in monotonic seconds. A `detached` song is made to its end even without listeners.

        Raises:
            RequestIdReused: the caller has used the `request_id` for another request.
            ServiceError: the request is refused by the rules of the API, the engine or the server.
        """
        engine = message.engine or self.engines.default
        bind(engine=engine if engine in self._engine_names else "unknown", caller=caller)
        with counted_faults(self._runner, engine):
            request = song_request(message, self.engines.infos(), self.engines.default, deadline, caller)
            return await self._admission.admit(message, request, detached=detached)

    async def find(self, song_id: str, caller: str | None = None) -> Recording:
        """Return the recording (event log) of a song; without `caller` the song may be any caller's. Raises
        UnknownSong.
        """
        recording = await self._library.recording(song_id)
        if recording is None or caller not in (None, recording.song.caller):
            raise UnknownSong(song_id)
        bind(song_id=song_id)
        if recording.maker is not None:
            trace.get_current_span().add_link(recording.maker, {"melisma.song_id": song_id})
        recording.keep_for(self._linger_seconds)
        return recording

    async def get(self, song_id: str, caller: str) -> SongRecord:
        """Return the record (state, size and so on) of a caller's song. Raises UnknownSong."""
        song = await self._library.record(song_id)
        if song is None or song.caller != caller:
            raise UnknownSong(song_id)
        bind(song_id=song_id)
        return song

    async def page(self, caller: str, asked: int = 0, token: str = "") -> tuple[Sequence[SongRecord], str]:
        """Return a page of a caller's song records, newest first, and the token of the next page (empty if there is
        none).

        `asked` is the requested page size, 0 for the default. Raises InvalidRequest for an invalid `token`.
        """
        size = page_size(asked, DEFAULT_PAGE_SIZE)
        songs = await self._library.page(caller, cursor_of(token), size + 1)
        return songs[:size], song_token(songs[size - 1]) if len(songs) > size else ""

    async def delete(self, song_id: str, caller: str) -> None:
        """Delete a caller's song that has ended. Raises UnknownSong, SongNotEnded or StoreFailed."""
        await self.deletion.delete(await self.get(song_id, caller))

    async def cancel(self, song_id: str, caller: str) -> SongRecord:
        """Cancel a caller's song and return its record; no effect on a song that has ended. Raises UnknownSong."""
        song = await self.get(song_id, caller)
        if made := self._open.made(song_id):
            self._making.stop(made.recording, reason="its caller has cancelled it; to hear the song, request it again")
            return await self._ended(made.recording)
        if song.state.ended or self._sharing is None:
            return song
        await self._sharing.cancel(song_id)
        recording = await self._library.recording(song_id)
        return song if recording is None else await self._ended(recording)

    @property
    def served(self) -> bool:
        """True if any server of the service serves an engine now; always False with an embedded store."""
        return bool(self._served())

    def service_load(self) -> tuple[int, int] | None:
        """Return two numbers of the whole service: its songs, and its slots (songs that can be made at the same time);
        `None` if this server has an engine ready and so makes songs itself, with an embedded store, or if the service
        has no slots.
        """
        slots = self._tickets.service_slots
        if self._sharing is None or not slots or any(map(self._runner.ready, self._runner.engines())):
            return None
        queue = self._sharing.survey.queue
        return queue.running + len(queue.waiting), slots

    @property
    def listeners(self) -> int:
        """Number of listeners of all songs on this server now."""
        return self._open.listeners

    @property
    def work(self) -> Work:
        """Latest count of the whole service's songs and their device seconds; empty with an embedded store."""
        return self._sharing.demand.work if self._sharing else Work()

    async def prepare(self) -> None:
        """Read the list of engines of the whole service from the song directory, before the first call."""
        if self._sharing:
            await self._sharing.prepare()

    async def run(self) -> None:
        """Run the background tasks of the songs service (eviction, cooperation with other servers), until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.eviction.run())
            if self._sharing:
                tasks.create_task(self._sharing.run())

    async def offer(self) -> None:
        """Offer the running songs of this server to other servers; each continues here until another server takes
        it.
        """
        if self._sharing:
            await self._sharing.offer()

    def start_draining(self) -> None:
        """End the present calls of listeners to songs that other servers make, and all later calls of that kind at
        once, so that the clients call those servers.
        """
        if self._sharing:
            self._sharing.mirrors.start_draining()

    async def hand_over(self) -> int:
        """Stop the running songs of this server and release them for other servers; return their number."""
        return await self._sharing.hand_over() if self._sharing else 0

    async def close(self) -> None:
        """Wait until ended songs are stored. It must be called after the runner has stopped."""
        await self._making.close()
        if self._sharing:
            await self._sharing.close()

    def _served(self) -> Mapping[str, ServedEngine]:
        """Return the engines that the servers of the service serve now, by name; empty with an embedded store."""
        return self._sharing.survey.engines if self._sharing else {}

    def _unserved(self) -> Mapping[str, ServedEngine]:
        """Return the engines, by name, for which songs may wait even if no server serves them now."""
        if self._sharing is None or not self._runner.queues_unserved:
            return {}
        return {name: known.engine for name, known in self._sharing.survey.known.items()}

    def _admission_of(self, parts: SongParts, checker: RequestChecker, *, log_requests: bool) -> SongAdmission:
        return SongAdmission(
            parts,
            self._tickets,
            self._library,
            self._making,
            self._sharing,
            checker=checker,
            linger_seconds=self._linger_seconds,
            log_requests=log_requests,
        )

    def _library_of(self, parts: SongParts) -> Library:
        """Return the library of songs, which with a shared store also finds the songs of other servers."""
        if self._sharing is None:
            return Library(parts.store, parts.opened)
        mirror = partial(self._sharing.found, linger_seconds=self._linger_seconds)
        return Library(parts.store, parts.opened, mirror, self._sharing.attending.found)

    async def _ended(self, recording: Recording) -> SongRecord:
        """Wait at most one second for the end of a cancelled song, and return the song's record."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                await recording.wait_ended()
        return recording.song
