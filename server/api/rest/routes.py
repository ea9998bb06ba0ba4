"""REST: the same songs for those who do not speak gRPC. Every endpoint asks the same service as the gRPC methods do.

POST   /v1/audio/music/generate          make a song; wait for its end, or `Prefer: respond-async`
GET    /v1/audio/music                   the caller's songs
GET    /v1/audio/music/{task_id}         where a song stands
DELETE /v1/audio/music/{task_id}         delete it; while it is being made, stop that
POST   /v1/audio/music/{task_id}/cancel  stop making it
GET    /v1/audio/music/{task_id}/events  what happens to it, as server-sent events
GET    /audio/{task_id}.<format>         its sound, also while it is made; the name of the song is the key to it
GET    /audio/{task_id}.c2pa             its C2PA manifest, once it is complete, where the operator signs any
GET    /v1/engines                       what can be chosen
GET    /openapi.json                     all of this for machines
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Any

from opentelemetry.trace import Tracer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from melisma.v1 import music_pb2
from server.api.open_calls import OpenCalls
from server.api.rest.audio import audio_response, manifest_response
from server.api.rest.endpoint import LEFT, ByMethod, ClientLeft, Door, Endpoint, unless_left
from server.api.rest.events import events_response
from server.api.rest.openapi import document
from server.api.rest.problems import problem_response
from server.api.rest.proto_json import Json, filled, plain
from server.api.rest.request_body import generate_request
from server.api.rest.song_json import MANIFEST_SUFFIX, song_json
from server.audio.codecs.base import Format
from server.audio.codecs.registry import all_formats
from server.auth.api_keys import Scope
from server.auth.authenticator import Authenticator
from server.auth.caller import caller_of
from server.contract.validation import check
from server.errors import SongNotEnded, UnknownSong
from server.songs.recording import Told
from server.songs.service import Songs
from server.store.base import SongRecord

RESPOND_ASYNC = "respond-async"
MUSIC = "/v1/audio/music"


class Api:
    """The endpoints. `authenticator` is `None` where calls need no key."""

    def __init__(
        self, songs: Songs, authenticator: Authenticator | None, *, body_bytes: int, heartbeat_seconds: float
    ) -> None:
        """Bodies may have so many bytes; a stream of events is never silent for longer than `heartbeat_seconds`."""
        self._songs = songs
        self._authenticator = authenticator
        self._body_bytes = body_bytes
        self._heartbeat_seconds = heartbeat_seconds

    def routes(self, calls: OpenCalls, tracer: Tracer) -> list[Route]:
        """Routes of all endpoints."""

        def route(path: str, **endpoints: Endpoint) -> Route:
            doors = {
                method: Door(f"{method} {path}", _telling(endpoint), calls, tracer)
                for method, endpoint in endpoints.items()
            }
            return Route(path, ByMethod(doors), methods=list(endpoints))

        return [
            route(f"{MUSIC}/generate", POST=self._generate),
            route(MUSIC, GET=self._list),
            route(f"{MUSIC}/{{task_id}}", GET=self._get, DELETE=self._delete),
            route(f"{MUSIC}/{{task_id}}/cancel", POST=self._cancel),
            route(f"{MUSIC}/{{task_id}}/events", GET=self._events),
            *(route(f"/audio/{{task_id}}{each.suffix}", GET=partial(self._audio, each)) for each in all_formats()),
            route(f"/audio/{{task_id}}{MANIFEST_SUFFIX}", GET=self._manifest),
            route("/v1/engines", GET=self._engines),
            route("/openapi.json", GET=self._openapi),
        ]

    async def _generate(self, request: Request) -> Response:
        caller = self._caller(request, Scope.GENERATE)
        message = await generate_request(request, self._body_bytes)
        detached = _wishes(request)
        recording = await self._songs.generate(message, caller, detached=detached)
        if not detached:
            with recording.listened() as told:
                await unless_left(request.receive, _heard(told))
            return JSONResponse(self._told(request, recording.song))
        headers = {"Location": f"{MUSIC}/{recording.song.song_id}", "Preference-Applied": RESPOND_ASYNC}
        return JSONResponse(self._told(request, recording.song), HTTPStatus.ACCEPTED, headers)

    async def _list(self, request: Request) -> Response:
        caller = self._caller(request, Scope.GENERATE)
        asked = filled(music_pb2.ListSongsRequest(), _query(request))
        check(asked)
        songs, token = await self._songs.page(caller, asked.page_size, asked.page_token)
        return JSONResponse({"songs": [self._told(request, song) for song in songs], "next_page_token": token})

    async def _get(self, request: Request) -> Response:
        song = await self._songs.get(_task_id(request), self._caller(request, Scope.GENERATE))
        return JSONResponse(self._told(request, song))

    async def _delete(self, request: Request) -> Response:
        task_id, caller = _task_id(request), self._caller(request, Scope.GENERATE)
        try:
            await self._songs.delete(task_id, caller)
        except SongNotEnded:
            return JSONResponse(self._told(request, await self._songs.cancel(task_id, caller)))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _cancel(self, request: Request) -> Response:
        song = await self._songs.cancel(_task_id(request), self._caller(request, Scope.GENERATE))
        return JSONResponse(self._told(request, song))

    async def _events(self, request: Request) -> Response:
        recording = await self._songs.find(_task_id(request), self._caller(request, Scope.GENERATE))
        return events_response(request, recording, self._heartbeat_seconds)

    async def _audio(self, delivered: Format, request: Request) -> Response:
        # An <audio> element sends no headers: the name of the song, which nobody can guess, has to do.
        recording = await self._songs.find(_task_id(request))
        if recording.song.format != delivered.name:
            raise UnknownSong(recording.song.song_id)
        return audio_response(request, recording, credentials=self._songs.credentials.of(recording.song))

    async def _manifest(self, request: Request) -> Response:
        manifest = await self._songs.credentials.manifest(await self._songs.find(_task_id(request)))
        return manifest_response(_task_id(request), manifest)

    async def _engines(self, request: Request) -> Response:
        self._caller(request, Scope.ENGINES)
        asked = filled(music_pb2.ListEnginesRequest(), _query(request))
        check(asked)
        return JSONResponse(plain(self._songs.engines.page(asked.page_size, asked.page_token)))

    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(document(secured=self._authenticator is not None))

    def _told(self, request: Request, song: SongRecord) -> dict[str, Json]:
        return song_json(request, song, credentials=self._songs.credentials.of(song))

    def _caller(self, request: Request, scope: Scope) -> str:
        metadata = request.headers.items()
        if self._authenticator:
            self._authenticator.authenticate(metadata, scope)
        return caller_of(metadata)


def _telling(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with answers of our own for what HTTP itself refuses."""

    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except HTTPException as error:
            return problem_response(error.status_code, error.detail, error.headers)
        except ClientLeft:
            return Response(status_code=LEFT)

    return told


def _wishes(request: Request) -> bool:
    """True if the caller prefers not to wait."""
    preferences = ",".join(request.headers.getlist("prefer")).lower().split(",")
    return any(one.partition(";")[0].strip() == RESPOND_ASYNC for one in preferences)


def _query(request: Request) -> dict[str, Any]:
    numbers = {"page_size"}
    given = request.query_params
    # Python reads no number of thousands of digits; what is not read is refused as no integer.
    return {
        name: int(text) if name in numbers and text.isdecimal() and len(text) < 100 else text
        for name, text in given.items()
    }


def _task_id(request: Request) -> str:
    return str(request.path_params["task_id"])


async def _heard(told: AsyncIterator[Told]) -> None:
    async for _ in told:
        await asyncio.sleep(0)
