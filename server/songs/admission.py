"""Admits new songs: checks their requests, and has the song directory decide which of them are made, and where."""

import hashlib
import logging

from melisma.v1 import music_pb2
from server.checking.base import RequestChecker
from server.errors import ChecksOverloaded, QuotaExceeded, ServiceError, UnknownSong, WorkerLost
from server.logs import bind
from server.song import SongRequest, SongState
from server.songs.library import Library, same_song
from server.songs.making import Making
from server.songs.parts import SongParts
from server.songs.ports import CheckedSong
from server.songs.recordings.recording import Recording
from server.songs.shared.making import SharedMaking
from server.songs.shared.sharing import Sharing
from server.songs.tickets import Tickets, log_fields
from server.store.base import StoreFull
from server.store.directory import Admitted, Ticket
from server.store.whole_service import QueueFull

_TRIES = 3

logger = logging.getLogger(__name__)


class SongAdmission:
    """Admits the songs that the callers of one server request, and starts them here or leaves them to the service."""

    def __init__(
        self,
        parts: SongParts,
        tickets: Tickets,
        library: Library,
        making: Making | SharedMaking,
        sharing: Sharing | None,
        *,
        checker: RequestChecker,
        linger_seconds: float,
        log_requests: bool,
    ) -> None:
        """Set up the admission of songs; `sharing` is `None` with an embedded store. A song may continue for
        `linger_seconds` after its last listener has left. With `log_requests` prompts and lyrics are logged.
        """
        self._runner = parts.runner
        self._directory = parts.directory
        self._tickets = tickets
        self._library = library
        self._making = making
        self._sharing = sharing
        self._checker = checker
        self._linger_seconds = linger_seconds
        self._log_requests = log_requests

    async def admit(self, message: music_pb2.GenerateRequest, request: SongRequest, *, detached: bool) -> Recording:
        """Admit a song, and return its recording (event log), or that of the caller's earlier song with the same
        request id. `request` is the content of `message`; a `detached` song is made to its end even without listeners.

        Raises:
            RequestIdReused: the caller has used the `request_id` for another request.
            ServiceError: the request is refused by the rules of the API, the engine or the server.
        """
        fingerprint = hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
        service = await self._sharing.queue_before(request.engine) if self._sharing else None
        try:
            request = await self._check(request)
            checked = self._runner.check(request, service)
        except ServiceError:
            caller = request.caller
            if message.request_id and (again := await self._library.asked_before(caller, message.request_id)):
                return same_song(again, fingerprint)
            raise
        linger_seconds = None if detached else self._linger_seconds if message.request_id else 0.0
        take = self._sharing is None or self._sharing.takes(request.engine)
        ticket = self._tickets.write(message, request, fingerprint, linger_seconds=linger_seconds, take=take)
        return await self._admit(ticket, request, checked)

    async def _check(self, request: SongRequest) -> SongRequest:
        try:
            return await self._checker.check(request)
        except (ChecksOverloaded, WorkerLost) as error:
            raise self._runner.refusal(request, error) from None

    async def _admit(
        self, ticket: Ticket, request: SongRequest, checked: CheckedSong, tries: int = _TRIES
    ) -> Recording:
        await self._making.settled()
        try:
            admitted = await self._directory.admit(ticket)
        except (QueueFull, QuotaExceeded, StoreFull) as error:
            raise self._runner.refusal(request, error) from error
        if not admitted.new:
            return await self._again(admitted, ticket, request, checked, tries - 1)
        if self._sharing:
            self._sharing.survey.add(ticket, admitted)
        bind(song_id=ticket.song.song_id)
        logger.info("a song was accepted", extra=log_fields(request, ticket.song, words=self._log_requests))
        if admitted.claim:
            return self._making.begin(admitted.claim, request, checked, admitted.queue_position)
        assert (
            self._sharing is not None
        )  # an embedded directory always assigns the song to this server, as the ticket requests
        return self._sharing.waiting(ticket, admitted, checked)

    async def _again(
        self, admitted: Admitted, ticket: Ticket, request: SongRequest, checked: CheckedSong, tries: int
    ) -> Recording:
        """Return the recording (event log) of the song that an earlier call with the same request id has begun. If that
        song has failed or was cancelled or deleted, admit the request again. That is done at most `tries` times. Raises
        UnknownSong if no song is found even then.
        """
        recording = await self._library.recording(admitted.song_id)
        # Otherwise the song was just deleted, or the song directory has just recorded its end.
        if tries and (recording is None or recording.song.state in (SongState.FAILED, SongState.CANCELLED)):
            return await self._admit(ticket, request, checked, tries)
        if recording is None:
            raise UnknownSong(admitted.song_id)
        return same_song(recording, ticket.song.fingerprint)
