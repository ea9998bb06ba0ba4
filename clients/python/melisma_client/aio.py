"""The client for asyncio."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import grpc
from grpc.aio import UnaryStreamCall

from melisma.v1.music_pb2 import (
    AudioChunk,
    Engine,
    Finished,
    GenerateRequest,
    GenerateResponse,
    GetEngineRequest,
    ListEnginesRequest,
)
from melisma.v1.music_pb2_grpc import MusicServiceStub
from melisma_client.connection import (
    CANCELLED_HERE,
    CHANNEL_OPTIONS,
    DEFAULT_SERVER,
    QUESTION_TIMEOUT_SECONDS,
    SONG_TIMEOUT_SECONDS,
    Deadline,
    Patience,
    metadata_of,
)
from melisma_client.errors import Cancelled, error_of
from melisma_client.files import PartFile
from melisma_client.receiver import Event, Receiver
from melisma_client.request import SongRequest
from melisma_client.retry import Retry

T = TypeVar("T")
_Call: TypeAlias = UnaryStreamCall[GenerateRequest, GenerateResponse]


class AsyncSong:
    """One song as it arrives: iterate over its events, its `audio()`, or `save` it. It can be taken only once.

    The call is made when the first event is asked for, and cancelled when the iteration or the `async with` block is
    left early. `received` holds the plan, the end and the count of bytes so far.
    """

    def __init__(
        self, request: GenerateRequest, open_call: Callable[[GenerateRequest, float], _Call], patience: Patience
    ) -> None:
        self.received = Receiver()
        self._request = request
        self._open_call = open_call
        self._patience = patience
        self._call: _Call | None = None
        self._cancelled = False
        self._events = self._receive()

    def __aiter__(self) -> AsyncIterator[Event]:
        """Events in the order in which they happen, `Finished` last.

        A song that is lost before its first sound is asked for again, with its seed: `Accepted` and what follows it
        then come once more.

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
        self._cancelled = True
        if self._call is not None:
            self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._events.aclose()

    async def _receive(self) -> AsyncGenerator[Event, None]:
        try:
            for number in count(1):
                try:
                    async with aclosing(self._attempt()) as events:
                        async for event in events:
                            yield event
                    break
                except grpc.RpcError as failure:
                    error = error_of(failure)
                    wait = None if self.received.heard else self._patience.wait_seconds(error, number)
                    if wait is None:
                        raise error from failure
                await asyncio.sleep(wait)
                self._start_over()
            self.received.close()
        finally:
            self.cancel()

    async def _attempt(self) -> AsyncGenerator[Event, None]:
        if not self._cancelled:
            self._call = self._open_call(self._request, self._patience.deadline.remaining_seconds())
        while (response := await self._read()) is not None:
            if event := self.received.take(response):
                yield event

    def _start_over(self) -> None:
        if self.received.accepted:
            self._request.seed = self.received.accepted.seed
        self.received = Receiver()

    async def _read(self) -> GenerateResponse | None:
        if self._call is None or self._cancelled:
            raise Cancelled(CANCELLED_HERE)
        try:
            response = await self._call.read()
        except asyncio.CancelledError:
            if self._cancelled:
                raise Cancelled(CANCELLED_HERE) from None
            raise
        return response if isinstance(response, GenerateResponse) else None


class AsyncClient:
    """Talks to one Melisma server; use it in `async with`, or `close` it.

    Every call has a deadline and is repeated, by the rule of `retry`, only while nothing has arrived. `credentials`
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

    def generate(self, request: SongRequest, *, timeout_seconds: float = SONG_TIMEOUT_SECONDS) -> AsyncSong:
        """Ask for a song, which must be complete `timeout_seconds` from now, retries and a slow listener included."""
        return AsyncSong(
            request.to_proto(),
            lambda message, seconds: self._stub.Generate(message, timeout=seconds, metadata=self._metadata),
            Patience(self._retry, Deadline.after(timeout_seconds)),
        )

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
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

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
