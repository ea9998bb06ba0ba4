"""MusicService: every method translates, asks the runner, and translates back."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias

from grpc.aio import ServicerContext
from typing_extensions import override

from melisma.v1 import music_pb2, music_pb2_grpc
from model.engine import EngineInfo
from server import translate
from server.callers import caller_of
from server.checks import check
from server.errors import UnknownEngine
from server.logs import bind
from server.song import Accepted, SongEvent, SongRequest

_Context: TypeAlias = ServicerContext[Any, Any]

logger = logging.getLogger(__name__)


class SongJob(Protocol):
    """One song being made."""

    @property
    def accepted(self) -> Accepted:
        """The first thing to tell of the song."""

    def events(self) -> AsyncIterator[SongEvent]:
        """What happens to the song after `accepted`; raises ServiceError when it fails."""


class SongRunner(Protocol):
    """What makes the songs."""

    def engines(self) -> Mapping[str, EngineInfo]:
        """The engines that are loaded, by name."""

    def engine_devices(self, name: str) -> tuple[str, ...]:
        """The devices on which the engine is loaded."""

    def ready(self, engine: str) -> bool:
        """Whether the engine takes songs now."""

    def submit(self, request: SongRequest) -> AbstractAsyncContextManager[SongJob]:
        """Start making a song, or raise ServiceError; leaving the context cancels what is not complete."""


class MusicServicer(music_pb2_grpc.MusicServiceServicer):
    """Serves the songs of one runner. `engines` names what is configured; the first is the default."""

    def __init__(
        self,
        runner: SongRunner,
        engines: tuple[str, ...],
        clock: Callable[[], float] = time.monotonic,
        *,
        log_requests: bool = False,
    ) -> None:
        """`log_requests` puts prompts and lyrics into the log."""
        self._runner = runner
        self._engines = engines
        self._clock = clock
        self._log_requests = log_requests

    @override
    async def Generate(
        self, request: music_pb2.GenerateRequest, context: _Context
    ) -> AsyncIterator[music_pb2.GenerateResponse]:
        """Make one song. However the call ends, its song takes no further step."""
        song = await self._song_request(request, context)
        async with self._runner.submit(song) as job:
            bind(song_id=job.accepted.song_id)
            logger.info("song accepted", extra=self._told(song, job.accepted.song_id))
            yield translate.response(job.accepted, song)
            async for event in job.events():
                yield translate.response(event, song)

    @override
    async def ListEngines(
        self, request: music_pb2.ListEnginesRequest, context: _Context
    ) -> music_pb2.ListEnginesResponse:
        """All configured engines, loaded or not."""
        return music_pb2.ListEnginesResponse(engines=map(self._engine, self._engines))

    @override
    async def GetEngine(self, request: music_pb2.GetEngineRequest, context: _Context) -> music_pb2.GetEngineResponse:
        """One configured engine."""
        check(request)
        if request.name not in self._engines:
            raise UnknownEngine(request.name, self._engines)
        return music_pb2.GetEngineResponse(engine=self._engine(request.name))

    def _told(self, song: SongRequest, song_id: str) -> dict[str, object]:
        told: dict[str, object] = {
            "request_id": song.request_id,
            "song_id": song_id,
            "engine": song.engine,
            "caller": song.caller,
        }
        if self._log_requests:
            told |= {"prompt": song.params.prompt, "lyrics": song.params.lyrics}
        return told

    async def _song_request(self, request: music_pb2.GenerateRequest, context: _Context) -> SongRequest:
        caller, deadline = caller_of(context.invocation_metadata()), self._deadline(context.time_remaining())
        known = (self._runner.engines(), self._engines[0], deadline, caller)
        if request.anchor.WhichOneof("melody") == "midi":
            # A hostile file takes up to a second to refuse; the loop has other songs to stream meanwhile.
            return await asyncio.to_thread(translate.song_request, request, *known)
        return translate.song_request(request, *known)

    def _deadline(self, remaining_seconds: float | None) -> float | None:
        return None if remaining_seconds is None else self._clock() + remaining_seconds

    def _engine(self, name: str) -> music_pb2.Engine:
        info, devices = self._runner.engines().get(name), self._runner.engine_devices(name)
        return translate.engine_message(name, info, devices, ready=self._runner.ready(name))
