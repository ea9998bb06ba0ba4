"""The gRPC service MusicService: every method converts its request, calls the songs service, and converts the
result.
"""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

from grpc.aio import ServicerContext
from typing_extensions import override

from melisma.v1 import music_pb2, music_pb2_grpc
from server.auth.caller import caller_of
from server.contract.resources import song_message
from server.contract.validation import check
from server.songs.service import Songs
from server.store.base import SongRecord

_Context: TypeAlias = ServicerContext[Any, Any]


class MusicServicer(music_pb2_grpc.MusicServiceServicer):
    """Implements the gRPC service MusicService for the songs of one server."""

    def __init__(self, songs: Songs, clock: Callable[[], float] = time.monotonic) -> None:
        self._songs = songs
        self._clock = clock

    @override
    async def Generate(
        self, request: music_pb2.GenerateRequest, context: _Context
    ) -> AsyncIterator[music_pb2.GenerateResponse]:
        """Generate a song and stream its events. If an earlier call had the same request id, the song of that call is
        streamed.
        """
        deadline = self._deadline(context.time_remaining())
        recording = await self._songs.generate(request, _caller(context), deadline=deadline)
        with recording.listened() as events:
            async for one in events:
                yield music_pb2.GenerateResponse(event=one.message)

    @override
    async def Listen(
        self, request: music_pb2.ListenRequest, context: _Context
    ) -> AsyncIterator[music_pb2.ListenResponse]:
        """Stream the events of a song from a byte offset on."""
        check(request)
        recording = await self._songs.find(request.song_id, _caller(context))
        with recording.listened(request.byte_offset) as events:
            async for one in events:
                yield music_pb2.ListenResponse(event=one.message)

    @override
    async def GetSong(self, request: music_pb2.GetSongRequest, context: _Context) -> music_pb2.GetSongResponse:
        """Return the state of one song of the caller."""
        check(request)
        song = await self._songs.get(request.song_id, _caller(context))
        return music_pb2.GetSongResponse(song=self._message(song))

    @override
    async def ListSongs(self, request: music_pb2.ListSongsRequest, context: _Context) -> music_pb2.ListSongsResponse:
        """Return a page of the caller's songs."""
        check(request)
        songs, token = await self._songs.page(_caller(context), request.page_size, request.page_token)
        return music_pb2.ListSongsResponse(songs=map(self._message, songs), next_page_token=token)

    @override
    async def CancelSong(self, request: music_pb2.CancelSongRequest, context: _Context) -> music_pb2.CancelSongResponse:
        """Cancel a song of the caller and return its state."""
        check(request)
        song = await self._songs.cancel(request.song_id, _caller(context))
        return music_pb2.CancelSongResponse(song=self._message(song))

    @override
    async def DeleteSong(self, request: music_pb2.DeleteSongRequest, context: _Context) -> music_pb2.DeleteSongResponse:
        """Delete a song of the caller that has ended, with its sound."""
        check(request)
        await self._songs.delete(request.song_id, _caller(context))
        return music_pb2.DeleteSongResponse()

    @override
    async def ListEngines(
        self, request: music_pb2.ListEnginesRequest, context: _Context
    ) -> music_pb2.ListEnginesResponse:
        """Return a page of the configured engines, loaded or not."""
        check(request)
        return self._songs.engines.page(request.page_size, request.page_token)

    @override
    async def GetEngine(self, request: music_pb2.GetEngineRequest, context: _Context) -> music_pb2.GetEngineResponse:
        """Return the properties of one configured engine."""
        check(request)
        return music_pb2.GetEngineResponse(engine=self._songs.engines.get(request.name))

    def _message(self, song: SongRecord) -> music_pb2.Song:
        return song_message(song, content_credentials=self._songs.credentials.of(song))

    def _deadline(self, remaining_seconds: float | None) -> float | None:
        return None if remaining_seconds is None else self._clock() + remaining_seconds


def _caller(context: _Context) -> str:
    return caller_of(context.invocation_metadata())
