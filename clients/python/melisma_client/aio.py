"""The client for asyncio."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import grpc
from grpc.aio import UnaryStreamCall

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import (
    AudioChunk,
    CancelSongRequest,
    Engine,
    Finished,
    GenerateRequest,
    GenerateResponse,
    GetEngineRequest,
    GetSongRequest,
    ListEnginesRequest,
    ListenRequest,
    ListenResponse,
    ListSongsRequest,
)
from melisma.v1.music_pb2_grpc import MusicServiceStub
from melisma_client.connection import (
    CANCELLED_HERE,
    CHANNEL_OPTIONS,
    DEFAULT_SERVER,
    LONGEST_PAGE,
    PARTING_SECONDS,
    QUESTION_TIMEOUT_SECONDS,
    SONG_TIMEOUT_SECONDS,
    Deadline,
    Patience,
    metadata_of,
)
from melisma_client.errors import Cancelled, ConnectionLost, MelismaError, error_of
from melisma_client.files import PartFile
from melisma_client.journey import Journey, Question
from melisma_client.receiver import Event, Receiver, Response
from melisma_client.request import SongRequest
from melisma_client.retry import Retry

T = TypeVar("T")
_Call: TypeAlias = UnaryStreamCall[GenerateRequest, GenerateResponse] | UnaryStreamCall[ListenRequest, ListenResponse]


class AsyncSong:
    """One song as it arrives: iterate over its events, its `audio()`, or `save` it. It can be taken only once.

    The call is made when the first event is asked for. Leaving the iteration or the `async with` block early ends a
    song that was asked for here, and only the listening to any other. `received` holds the plan, the end and the
    count of bytes so far.
    """

    def __init__(
        self,
        journey: Journey,
        open_call: Callable[[Question, float], _Call],
        part: Callable[[str], None] = lambda song_id: None,
    ) -> None:
        """`part` tells the server that a song by that name is not wanted any more."""
        self._journey = journey
        self._open_call = open_call
        self._part = part
        self._over = False
        self._call: _Call | None = None
        self._cancelled = asyncio.Event()
        self._events = self._receive()

    @property
    def received(self) -> Receiver:
        """What has arrived so far."""
        return self._journey.received

    def __aiter__(self) -> AsyncIterator[Event]:
        """Events in the order in which they happen, `Finished` last.

        A connection that breaks is made anew, and the song goes on where it was, for as long as the server has it. A
        song that is lost before its first sound is asked for again, with its seed: `Accepted` and what follows it then
        come once more.

        Raises:
            MelismaError: the song was refused or cannot be completed; see `melisma_client.errors`.
        """
        return self._events

    async def audio(self) -> AsyncIterator[bytes]:
        """The song's MP3 bytes, chunk by chunk; every prefix of them plays. Raises like the iteration over events."""
        async for event in self._events:
            if isinstance(event, AudioChunk):
                yield event.data

    async def save(self, path: str | Path) -> Finished:
        """Write the song to `path`, under the name `<path>.part` until its last byte has arrived and was verified."""
        with PartFile(Path(path)) as file:
            async for data in self.audio():
                file.write(data)
            finished = self.received.close()
            file.complete()
        return finished

    def cancel(self) -> None:
        """End the song here and on the server; whoever waits for an event gets `Cancelled`."""
        self._cancelled.set()
        if self._call is not None:
            self._call.cancel()
        if self.received.accepted and not self._over:
            self._over = True
            self._part(self.received.accepted.song_id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._events.aclose()

    async def _receive(self) -> AsyncGenerator[Event, None]:
        try:
            while not self.received.finished:
                try:
                    async with aclosing(self._attempt()) as events:
                        async for event in events:
                            yield event
                except (grpc.RpcError, ConnectionLost) as failure:
                    error = failure if isinstance(failure, MelismaError) else error_of(failure)
                    wait = self._journey.wait_seconds(error)
                    await self._sleep(wait)
            self._over = True
        except (GeneratorExit, asyncio.CancelledError, Cancelled):
            raise
        except BaseException:
            self._over = True
            raise
        finally:
            self.cancel()

    async def _attempt(self) -> AsyncGenerator[Event, None]:
        if not self._cancelled.is_set():
            self._call = self._open_call(self._journey.question, self._journey.remaining_seconds)
        while (response := await self._read()) is not None:
            if event := self.received.take(response):
                yield event
        if not self.received.finished:
            raise ConnectionLost("the stream has ended before the song")

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._cancelled.wait()

    async def _read(self) -> Response | None:
        if self._call is None or self._cancelled.is_set():
            raise Cancelled(CANCELLED_HERE)
        try:
            response = await self._call.read()
        except asyncio.CancelledError:
            if self._cancelled.is_set():
                raise Cancelled(CANCELLED_HERE) from None
            raise
        return response if isinstance(response, GenerateResponse | ListenResponse) else None


class AsyncClient:
    """Talks to one Melisma server; use it in `async with`, or `close` it.

    Every call has a deadline; what may be repeated, and how often, is the rule of `retry`. `credentials`
    `None` means an unencrypted connection; `tls_credentials` makes others. `caller` is the name under which the server
    gives out fair shares, at most 64 printable ASCII characters (`ValueError` for others); those without a name share
    one. Servers that ask for an `api_key` call its holder by the key's name instead.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        retry: Retry | None = None,
        caller: str = "",
        api_key: str = "",
    ) -> None:
        self._retry = retry or Retry()
        self._metadata = metadata_of(caller, api_key)
        self._channel = _channel(server, credentials)
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
        """Where a song stands; raises `NotFound`."""
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
        """Have the server stop making a song, whoever listens to it; raises `NotFound`."""
        asked = CancelSongRequest(song_id=song_id)
        answer = await self._ask(
            lambda s: self._stub.CancelSong(asked, timeout=s, metadata=self._metadata), timeout_seconds
        )
        return answer.song

    async def list_engines(self, *, timeout_seconds: float = QUESTION_TIMEOUT_SECONDS) -> tuple[Engine, ...]:
        """The engines of the server, its default first; raises `MelismaError`."""
        answer = await self._ask(
            lambda s: self._stub.ListEngines(ListEnginesRequest(), timeout=s, metadata=self._metadata), timeout_seconds
        )
        return tuple(answer.engines)

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

    def _open(self, question: Question, seconds: float) -> _Call:
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
