"""Client of a Melisma server for asyncio: requests, streams, lists, cancels and deletes songs, and lists engines."""

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
    CANCEL_TIMEOUT_SECONDS,
    CHANNEL_OPTIONS,
    LONGEST_PAGE,
    SONG_TIMEOUT_SECONDS,
    UNARY_TIMEOUT_SECONDS,
    Deadline,
    RetryBudget,
    checked_server,
    metadata_of,
)
from melisma_client.errors import NotFound, error_of
from melisma_client.request import SongRequest
from melisma_client.retry import Retry
from melisma_client.song_stream import SongStream, StreamRequest

T = TypeVar("T")


class AsyncClient:
    """Client of one Melisma server, for asyncio. Use it in `async with`, or call `close` at the end.

    Every call has a deadline; `retry` is the policy of retries. With `credentials` `None` the connection is not
    encrypted; `tls_credentials` makes credentials for TLS. `caller` is the name by which the server shares its devices
    fairly, at most 64 printable ASCII characters; all callers without a name count as one. If the server requires API
    keys, the name of the key's holder counts instead. An invalid name or `server` raises `ValueError`. `None` reads a
    value from the environment: `MELISMA_SERVER` (by default "localhost:50051"), `MELISMA_CALLER`, `MELISMA_API_KEY`.
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
        self._cancellations: set[asyncio.Future[music_pb2.Song]] = set()

    def generate(self, request: SongRequest, *, timeout_seconds: float = SONG_TIMEOUT_SECONDS) -> AsyncSong:
        """Request a song and return it as a stream. The song must be complete within `timeout_seconds`, including
        retries and the time for which the caller reads nothing.
        """
        return AsyncSong(self._stream(request.to_proto(), timeout_seconds), self._open, self._cancel_remote)

    def listen(self, song_id: str, byte_offset: int = 0, *, timeout_seconds: float = SONG_TIMEOUT_SECONDS) -> AsyncSong:
        """Stream a song of the caller that was requested before: the same events as from `generate`, and the sound from
        `byte_offset` on.

        Leaving the stream early does not affect other listeners. A song without listeners is made for some seconds
        more.
        """
        request = ListenRequest(song_id=song_id, byte_offset=byte_offset)
        return AsyncSong(self._stream(request, timeout_seconds), self._open)

    async def get_song(self, song_id: str, *, timeout_seconds: float = UNARY_TIMEOUT_SECONDS) -> music_pb2.Song:
        """Return the state of a song. Raises `NotFound` if the caller has no song with this id."""
        request = GetSongRequest(song_id=song_id)
        answer = await self._ask(
            lambda s: self._stub.GetSong(request, timeout=s, metadata=self._metadata), timeout_seconds
        )
        return answer.song

    async def list_songs(
        self, limit: int = 50, *, timeout_seconds: float = UNARY_TIMEOUT_SECONDS
    ) -> tuple[music_pb2.Song, ...]:
        """Return the newest songs of the caller, up to `limit`; raises `MelismaError`."""
        songs: list[music_pb2.Song] = []
        request = ListSongsRequest()
        while len(songs) < limit:
            request.page_size = min(limit - len(songs), LONGEST_PAGE)
            answer = await self._ask(
                lambda s: self._stub.ListSongs(request, timeout=s, metadata=self._metadata), timeout_seconds
            )
            songs += answer.songs
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        return tuple(songs)

    async def cancel_song(self, song_id: str, *, timeout_seconds: float = UNARY_TIMEOUT_SECONDS) -> music_pb2.Song:
        """Stop making a song, for all its listeners, and return its state. Raises `NotFound`."""
        request = CancelSongRequest(song_id=song_id)
        answer = await self._ask(
            lambda s: self._stub.CancelSong(request, timeout=s, metadata=self._metadata), timeout_seconds
        )
        return answer.song

    async def delete_song(self, song_id: str, *, timeout_seconds: float = UNARY_TIMEOUT_SECONDS) -> None:
        """Delete a song that has ended, with its sound, prompt and lyrics, even while it has listeners.

        Raises:
            NotFound: the song does not exist, or was deleted.
            NotEnded: the song is waiting or being made; call `cancel_song` first.
        """
        request, tries = DeleteSongRequest(song_id=song_id), 0

        def attempt(seconds: float) -> Awaitable[DeleteSongResponse]:
            nonlocal tries
            tries += 1
            return self._stub.DeleteSong(request, timeout=seconds, metadata=self._metadata)

        try:
            await self._ask(attempt, timeout_seconds)
        except NotFound:
            if tries == 1:  # otherwise an earlier attempt has deleted the song, and only the response was lost
                raise

    async def list_engines(self, *, timeout_seconds: float = UNARY_TIMEOUT_SECONDS) -> tuple[Engine, ...]:
        """Return the properties of the server's engines, its default engine first; raises `MelismaError`."""
        engines: list[Engine] = []
        request = ListEnginesRequest()
        while True:
            answer = await self._ask(
                lambda s: self._stub.ListEngines(request, timeout=s, metadata=self._metadata), timeout_seconds
            )
            engines += answer.engines
            request.page_token = answer.next_page_token
            if not request.page_token:
                return tuple(engines)

    async def get_engine(self, name: str, *, timeout_seconds: float = UNARY_TIMEOUT_SECONDS) -> Engine:
        """Return the properties of one engine. Raises `NotFound` for an unknown name."""
        request = GetEngineRequest(name=name)
        answer = await self._ask(
            lambda s: self._stub.GetEngine(request, timeout=s, metadata=self._metadata), timeout_seconds
        )
        return answer.engine

    async def close(self) -> None:
        """Close the connection and end all streams of songs on it."""
        if self._cancellations:
            await asyncio.wait(self._cancellations, timeout=CANCEL_TIMEOUT_SECONDS)
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _stream(self, request: StreamRequest, timeout_seconds: float) -> SongStream:
        return SongStream(request, RetryBudget(self._retry, Deadline.after(timeout_seconds)))

    def _open(self, request: StreamRequest, seconds: float) -> AsyncCall:
        if isinstance(request, ListenRequest):
            return self._stub.Listen(request, timeout=seconds, metadata=self._metadata)
        return self._stub.Generate(request, timeout=seconds, metadata=self._metadata)

    def _cancel_remote(self, song_id: str) -> None:
        cancellation = asyncio.ensure_future(self.cancel_song(song_id, timeout_seconds=CANCEL_TIMEOUT_SECONDS))
        self._cancellations.add(cancellation)
        cancellation.add_done_callback(self._cancelled)

    def _cancelled(self, cancellation: "asyncio.Future[music_pb2.Song]") -> None:
        # If the call that cancels the song does not arrive, the server cancels it for lack of listeners.
        self._cancellations.discard(cancellation)
        if not cancellation.cancelled():
            cancellation.exception()

    async def _ask(self, ask: Callable[[float], Awaitable[T]], timeout_seconds: float) -> T:
        try:
            return await _with_retries(ask, RetryBudget(self._retry, Deadline.after(timeout_seconds)))
        except grpc.RpcError as failure:
            raise error_of(failure) from failure


async def _with_retries(attempt: Callable[[float], Awaitable[T]], budget: RetryBudget) -> T:
    for number in count(1):
        try:
            return await attempt(budget.deadline.remaining_seconds())
        except grpc.RpcError as failure:
            if (wait := budget.wait_seconds(error_of(failure), number)) is None:
                raise
        await asyncio.sleep(wait)
    raise AssertionError("itertools.count() has ended. This is a bug: please report it")


def _channel(server: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    if credentials is None:
        return grpc.aio.insecure_channel(server, options=CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(server, credentials, options=CHANNEL_OPTIONS)
