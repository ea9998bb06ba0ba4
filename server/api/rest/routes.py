"""Routes of the REST API, which offers the gRPC service over HTTP. Every endpoint calls the same songs service as the
gRPC methods.

POST   /v1/audio/music/generate          make a song; respond at its end, at once (`Prefer: respond-async`), or with its
                                         sound
GET    /v1/audio/music                   list the caller's songs
GET    /v1/audio/music/{task_id}         return the state of a song
DELETE /v1/audio/music/{task_id}         delete a song that has ended, or cancel one that is being made
POST   /v1/audio/music/{task_id}/cancel  cancel a song
GET    /v1/audio/music/{task_id}/events  stream the events of a song, as server-sent events
GET    /audio/{task_id}.<format>         return the sound of a song, also while it is being made; needs no key but the
                                         song's id
GET    /audio/{task_id}.c2pa             return the C2PA manifest of a complete song, if the operator signs manifests
GET    /v1/engines                       list the engines and their limits
GET    /openapi.json                     return the OpenAPI document of these routes
"""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.trace import Tracer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from melisma.v1 import music_pb2
from server.api.call_limits import UNLIMITED, CallLimits
from server.api.open_calls import OpenCalls
from server.api.peers import plain_address
from server.api.rest.audio import audio_response, manifest_response, range_made
from server.api.rest.endpoint import (
    CLIENT_CLOSED_REQUEST,
    ClientLeft,
    Endpoint,
    Handler,
    MethodRouter,
    OwnRoute,
    check_query,
    unless_left,
    while_answered,
)
from server.api.rest.events import events_response
from server.api.rest.idempotency import IDEMPOTENCY_KEY
from server.api.rest.json_format.proto_json import Json, filled, plain
from server.api.rest.json_format.song_json import MANIFEST_SUFFIX, song_json
from server.api.rest.openapi import document
from server.api.rest.preferences import RESPOND_ASYNC, Wish, wish_of
from server.api.rest.problems import problem_response
from server.api.rest.public_address import REQUESTED_ADDRESS, PublicAddress
from server.api.rest.request_body import generate_request
from server.api.rest.streamed_song import streamed
from server.audio.codecs.base import Format
from server.audio.codecs.registry import all_formats, format_named
from server.auth.api_keys import Scope
from server.auth.authenticator import Authenticator
from server.auth.caller import caller_of
from server.auth.key_life import while_key_lasts
from server.contract.audio_formats import format_name
from server.contract.validation import check
from server.contract.wire_scan import RequestLimits
from server.errors import RequestIdReused, SongNotEnded, UnknownSong
from server.songs.recordings.recording import DeliveredEvent, Recording
from server.songs.service import Songs
from server.store.base import SongRecord
from server.telemetry.call_metrics import CallMetrics

PAGE = ("page_size", "page_token")
MUSIC = "/v1/audio/music"


class Api:
    """The endpoints of the REST API. `authenticator` is `None` if calls need no API key."""

    def __init__(
        self,
        songs: Songs,
        authenticator: Authenticator | None,
        *,
        sizes: RequestLimits,
        heartbeat_seconds: float,
        limits: CallLimits = UNLIMITED,
        address: PublicAddress = REQUESTED_ADDRESS,
    ) -> None:
        """Set up the REST API; `sizes` are the size limits of request bodies, and `limits` restrict the open calls of
        each caller. A stream of events sends a heartbeat after `heartbeat_seconds` of silence.
        """
        self._songs = songs
        self._authenticator = authenticator
        self._sizes = sizes
        self._heartbeat_seconds = heartbeat_seconds
        self._limits = limits
        self._address = address

    def routes(self, calls: OpenCalls, tracer: Tracer, metrics: CallMetrics | None = None) -> list[Route]:
        """Return the routes of all endpoints. Open calls are counted in `calls`, and finished calls in `metrics`."""

        def route(path: str, *query: str, **endpoints: Handler) -> Route:
            by_method = {
                method: Endpoint(
                    f"{method} {path}", _answering(endpoint, query), calls, tracer, self._address.proxies, metrics
                )
                for method, endpoint in endpoints.items()
            }
            return OwnRoute(path, MethodRouter(by_method), methods=list(endpoints))

        return [
            route(f"{MUSIC}/generate", POST=self._generate),
            route(MUSIC, *PAGE, GET=self._list),
            route(f"{MUSIC}/{{task_id}}", GET=self._get, DELETE=self._delete),
            route(f"{MUSIC}/{{task_id}}/cancel", POST=self._cancel),
            route(f"{MUSIC}/{{task_id}}/events", GET=self._events),
            *(
                route(f"/audio/{{task_id}}{each.suffix}", "byte_offset", GET=partial(self._audio, each))
                for each in all_formats()
            ),
            route(f"/audio/{{task_id}}{MANIFEST_SUFFIX}", GET=self._manifest),
            route("/v1/engines", *PAGE, GET=self._engines),
            route("/openapi.json", GET=self._openapi),
        ]

    async def _generate(self, request: Request) -> Response:
        caller, address = self._caller(request, Scope.GENERATE), self._address.of(request)
        message = await generate_request(request, self._sizes, caller)
        wish = wish_of(request, format_named(format_name(message.audio.format)).media_type)
        recording = await self._begun(request, message, caller, detached=wish is Wish.TASK)
        location = f"{urlsplit(address).path}{MUSIC}/{recording.song.song_id}"
        if wish is Wish.SOUND:
            return await streamed(request, recording, location)
        if wish is Wish.TASK:
            await recording.keeping.begun()
            headers = {"Location": location, "Preference-Applied": RESPOND_ASYNC, "Vary": "Accept, Prefer"}
            return JSONResponse(self._song_json(address, recording.song), HTTPStatus.ACCEPTED, headers)
        with recording.listened() as events:
            async with while_key_lasts():
                await unless_left(request.receive, _kept(recording, events))
        return JSONResponse(self._song_json(address, recording.song), headers={"Vary": "Accept, Prefer"})

    async def _begun(
        self, request: Request, message: music_pb2.GenerateRequest, caller: str, *, detached: bool
    ) -> Recording:
        """Start the song that `caller` has requested with `message`, and return its recording (the log of its events
        and sound). A `detached` song is made to its end even without listeners. Raises the errors of `Songs.generate`.
        """
        try:
            return await self._songs.generate(message, caller, detached=detached)
        except RequestIdReused:
            if key := request.headers.get(IDEMPOTENCY_KEY):
                raise RequestIdReused(key, IDEMPOTENCY_KEY) from None
            raise

    async def _list(self, request: Request) -> Response:
        caller, address = self._caller(request, Scope.GENERATE), self._address.of(request)
        asked = filled(music_pb2.ListSongsRequest(), _query(request))
        check(asked)
        songs, token = await self._songs.page(caller, asked.page_size, asked.page_token)
        return JSONResponse({"songs": [self._song_json(address, song) for song in songs], "next_page_token": token})

    async def _get(self, request: Request) -> Response:
        song = await self._songs.get(_task_id(request), self._caller(request, Scope.GENERATE))
        return JSONResponse(self._song_json(self._address.of(request), song))

    async def _delete(self, request: Request) -> Response:
        caller, address = self._caller(request, Scope.GENERATE), self._address.of(request)
        task_id = _task_id(request)
        try:
            await self._songs.delete(task_id, caller)
        except SongNotEnded:
            return JSONResponse(self._song_json(address, await self._songs.cancel(task_id, caller)))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _cancel(self, request: Request) -> Response:
        caller, address = self._caller(request, Scope.GENERATE), self._address.of(request)
        song = await self._songs.cancel(_task_id(request), caller)
        return JSONResponse(self._song_json(address, song))

    async def _events(self, request: Request) -> Response:
        recording = await self._songs.find(_task_id(request), self._caller(request, Scope.GENERATE))
        return events_response(request, recording, self._heartbeat_seconds)

    async def _audio(self, delivered: Format, request: Request) -> Response:
        # An <audio> element sends no API key. The song's id, which cannot be guessed, is enough to get the sound.
        recording = await self._songs.find(_task_id(request))
        if recording.song.format != delivered.name:
            raise UnknownSong(recording.song.song_id)
        if await range_made(request, recording):
            recording = await self._songs.find(recording.song.song_id)
        return await audio_response(request, recording, credentials=self._songs.credentials.of(recording.song))

    async def _manifest(self, request: Request) -> Response:
        manifest = await self._songs.credentials.manifest(await self._songs.find(_task_id(request)))
        return manifest_response(_task_id(request), manifest)

    async def _engines(self, request: Request) -> Response:
        self._caller(request, Scope.ENGINES)
        asked = filled(music_pb2.ListEnginesRequest(), _query(request))
        check(asked)
        return JSONResponse(plain(self._songs.engines.page(asked.page_size, asked.page_token)))

    async def _openapi(self, request: Request) -> Response:
        found = document(secured=self._authenticator is not None)
        return JSONResponse(found | {"servers": [{"url": self._address.of(request)}]})

    def _song_json(self, address: str, song: SongRecord) -> dict[str, Json]:
        return song_json(address, song, credentials=self._songs.credentials.of(song))

    def _caller(self, request: Request, scope: Scope) -> str:
        metadata = request.headers.items()
        if self._authenticator:
            self._authenticator.authenticate(metadata, scope)
        peer = plain_address(request.client.host) if request.client else ""
        while_answered(request, self._limits.of_caller(self._limits.caller_at(peer, metadata)))
        return caller_of(metadata)


def _answering(endpoint: Handler, query: tuple[str, ...]) -> Handler:
    """Return a handler that refuses query parameters other than `query`, calls `endpoint`, and sends HTTP errors as
    problem details.
    """

    async def answer(request: Request) -> Response:
        check_query(request, query)
        try:
            return await endpoint(request)
        except HTTPException as error:
            return problem_response(error.status_code, error.detail, error.headers)
        except ClientLeft:
            return Response(status_code=CLIENT_CLOSED_REQUEST)

    return answer


def _query(request: Request) -> dict[str, Any]:
    numbers = {"page_size"}
    # A text that is not a number is passed on, and the check of its field refuses the text.
    return {
        name: int(text) if name in numbers and re.fullmatch("[0-9]{1,18}", text) else text
        for name, text in request.query_params.items()
    }


def _task_id(request: Request) -> str:
    return str(request.path_params["task_id"])


async def _kept(recording: Recording, events: AsyncIterator[DeliveredEvent]) -> None:
    """Wait until a song is complete and has been stored; `events` are the song's events."""
    async for _ in events:
        await asyncio.sleep(0)
    await recording.keeping.done()
