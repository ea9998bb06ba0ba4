"""The client for asyncio."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from types import TracebackType
from typing import Self, TypeVar

import grpc

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import (
    CancelSongRequest,
    DeleteSongRequest,
    DeleteSongResponse,
    Engine,
    GetEngineRequest,
    GetSongRequest,
    ListEnginesRequest,
    ListenRequest,
    ListSongsRequest,
)
from melisma.v1.music_pb2_grpc import MusicServiceStub
from melisma_client.async_song import AsyncCall, AsyncSong
from melisma_client.connection import (
    CHANNEL_OPTIONS,
    LONGEST_PAGE,
    PARTING_SECONDS,
    QUESTION_TIMEOUT_SECONDS,
    SONG_TIMEOUT_SECONDS,
    Deadline,
    Patience,
    checked_server,
    metadata_of,
)
from melisma_client.errors import NotFound, error_of
from melisma_client.journey import Journey, Question
from melisma_client.request import SongRequest
from melisma_client.retry import Retry

T = TypeVar("T")


class AsyncClient:
    """Talks to one Melisma server; use it in `async with`, or `close` it.

    Every call has a deadline; what may be repeated, and how often, is the rule of `retry`. `credentials`
    `None` means an unencrypted connection; `tls_credentials` makes others. `caller` is the name under which the server
    gives out fair shares, at most 64 printable ASCII characters; those without a name share one. A name or a `server`
    that cannot be is a `ValueError`. Servers that ask for an `api_key` call its holder by the key's name instead.
    What is left `None` comes from the environment: `MELISMA_SERVER` ("localhost:50051" where it is unset),
    `MELISMA_CALLER`, `MELISMA_API_KEY`.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        retry: Retry | None = None,
        caller: str | None = None,
        api_key: str | None = None,
    ) -> None:
        self._retry = retry or Retry()
        self._metadata = metadata_of(caller, api_key)
        self._channel = _channel(checked_server(server), credentials)
        self._stub = MusicServiceStub(self._channel)
        self._partings: set[asyncio.Future[music_pb2.Song]] = set()

    def generate(self, request: SongRequest, *, timeout_seconds: float = SONG_TIMEOUT_SECONDS) -> AsyncSong:
        """Ask for a song, which must be complete `timeout_seconds` from now, retries and a slow listener included."""
        return AsyncSong(self._journey(request.to_proto(), timeout_seconds), self._open, self._part)

    def listen(self, song_id: str, byte_offset: int = 0, *, timeout_seconds: float = SONG_TIMEOUT_SECONDS) -> AsyncSong:
        """Listen to a song of the caller's, as `generate` brings it, with the sound from `byte_offset` on.

        Leaving it early leaves the song to its other listeners; without any it goes on for some seconds.
        """
        asked = ListenRequest(song_id=song_id, byte_offset=byte_offset)
        return AsyncSong(self._journey(asked, timeout_seconds), self._open)

    async def get_song(self, song_id: str, *, timeout_seconds: float = QUESTION_TIMEOUT_SECONDS) -> music_pb2.Song:
        """The state of a song; raises `NotFound`."""
        asked = GetSongRequest(song_id=song_id)
        answer = await self._ask(
            lambda s: self._stub.GetSong(asked, timeout=s, metadata=self._metadata), timeout_seconds
        )
        return answer.song

    async def list_songs(
        self, limit: int = 50, *, timeout_seconds: float = QUESTION_TIMEOUT_SECONDS
    ) -> tuple[music_pb2.Song, ...]:
        """The newest songs of the caller, up to `limit`; raises `MelismaError`."""
        songs: list[music_pb2.Song] = []
        asked = ListSongsRequest()
        while len(songs) < limit:
            asked.page_size = min(limit - len(songs), LONGEST_PAGE)
            answer = await self._ask(
                lambda s: self._stub.ListSongs(asked, timeout=s, metadata=self._metadata), timeout_seconds
            )
            songs += answer.songs
            asked.page_token = answer.next_page_token
            if not asked.page_token:
                break
        return tuple(songs)

    async def cancel_song(self, song_id: str, *, timeout_seconds: float = QUESTION_TIMEOUT_SECONDS) -> music_pb2.Song:
        """Stop making a song, also for its other listeners; raises `NotFound`."""
        asked = CancelSongRequest(song_id=song_id)
        answer = await self._ask(
            lambda s: self._stub.CancelSong(asked, timeout=s, metadata=self._metadata), timeout_seconds
        )
        return answer.song

    async def delete_song(self, song_id: str, *, timeout_seconds: float = QUESTION_TIMEOUT_SECONDS) -> None:
        """Delete a song that has ended, with its sound, prompt and lyrics, also one with listeners.

        Raises:
            NotFound: there is no such song, or no longer.
            NotEnded: it waits or is being made; `cancel_song` ends it.
        """
        asked, tries = DeleteSongRequest(song_id=song_id), 0

        def attempt(seconds: float) -> Awaitable[DeleteSongResponse]:
            nonlocal tries
            tries += 1
            return self._stub.DeleteSong(asked, timeout=seconds, metadata=self._metadata)

        try:
            await self._ask(attempt, timeout_seconds)
        except NotFound:
            if tries == 1:  # else an earlier try has deleted it, and its answer was lost
                raise

    async def list_engines(self, *, timeout_seconds: float = QUESTION_TIMEOUT_SECONDS) -> tuple[Engine, ...]:
        """The engines of the server, its default first; raises `MelismaError`."""
        engines: list[Engine] = []
        asked = ListEnginesRequest()
        while True:
            answer = await self._ask(
                lambda s: self._stub.ListEngines(asked, timeout=s, metadata=self._metadata), timeout_seconds
            )
            engines += answer.engines
            asked.page_token = answer.next_page_token
            if not asked.page_token:
                return tuple(engines)

    async def get_engine(self, name: str, *, timeout_seconds: float = QUESTION_TIMEOUT_SECONDS) -> Engine:
        """One engine; raises `NotFound` for a name that the server does not have."""
        question = GetEngineRequest(name=name)
        answer = await self._ask(
            lambda s: self._stub.GetEngine(question, timeout=s, metadata=self._metadata), timeout_seconds
        )
        return answer.engine

    async def close(self) -> None:
        """End the connection and all songs on it."""
        if self._partings:
            await asyncio.wait(self._partings, timeout=PARTING_SECONDS)
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _journey(self, asked: Question, timeout_seconds: float) -> Journey:
        return Journey(asked, Patience(self._retry, Deadline.after(timeout_seconds)))

    def _open(self, question: Question, seconds: float) -> AsyncCall:
        if isinstance(question, ListenRequest):
            return self._stub.Listen(question, timeout=seconds, metadata=self._metadata)
        return self._stub.Generate(question, timeout=seconds, metadata=self._metadata)

    def _part(self, song_id: str) -> None:
        parting = asyncio.ensure_future(self.cancel_song(song_id, timeout_seconds=PARTING_SECONDS))
        self._partings.add(parting)
        parting.add_done_callback(self._parted)

    def _parted(self, parting: "asyncio.Future[music_pb2.Song]") -> None:
        # What does not arrive ends by itself: the server gives a song up that nobody listens to.
        self._partings.discard(parting)
        if not parting.cancelled():
            parting.exception()

    async def _ask(self, ask: Callable[[float], Awaitable[T]], timeout_seconds: float) -> T:
        try:
            return await _patiently(ask, Patience(self._retry, Deadline.after(timeout_seconds)))
        except grpc.RpcError as failure:
            raise error_of(failure) from failure


async def _patiently(attempt: Callable[[float], Awaitable[T]], patience: Patience) -> T:
    for number in count(1):
        try:
            return await attempt(patience.deadline.remaining_seconds())
        except grpc.RpcError as failure:
            if (wait := patience.wait_seconds(error_of(failure), number)) is None:
                raise
        await asyncio.sleep(wait)
    raise AssertionError("count has no end")


def _channel(server: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    if credentials is None:
        return grpc.aio.insecure_channel(server, options=CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(server, credentials, options=CHANNEL_OPTIONS)
