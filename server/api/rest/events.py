"""Sends the events of a song, without its sound, as server-sent events (SSE)."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from model.song import Violation
from server.api.rest.endpoint import Stream
from server.api.rest.json_format.names import EVENT_NAMES
from server.api.rest.json_format.proto_json import plain
from server.api.rest.problems import problem
from server.errors import InvalidRequest, MadeElsewhere, ServiceError, SongNotComplete
from server.song import SongState
from server.songs.recordings.recording import DeliveredEvent, Recording

LAST_EVENT_ID = "Last-Event-ID"
MEDIA_TYPE = "text/event-stream"
_HEARTBEAT = b":\n\n"


def events_response(request: Request, recording: Recording, heartbeat_seconds: float) -> Response:
    """Return the response to GET for the events of a song; status 204, which stops browsers from reconnecting, if there
    are no more events. A heartbeat is sent after every `heartbeat_seconds` without an event.

    Raises:
        InvalidRequest: `Last-Event-ID` is not the id of an event.
    """
    number = _next_number(request)
    if recording.ended and number >= len(recording.entries) + (not recording.complete):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    headers = {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(_events(recording, number, heartbeat_seconds), HTTPStatus.OK, headers)


def _next_number(request: Request) -> int:
    text = request.headers.get(LAST_EVENT_ID, "")
    if not re.fullmatch(r"\d{0,9}", text, re.ASCII):
        raise InvalidRequest(Violation(LAST_EVENT_ID, "must be the id of an event of this song, as the stream sent it"))
    return int(text) + 1 if text else 0


async def _events(recording: Recording, number: int, heartbeat_seconds: float) -> AsyncGenerator[bytes, None]:
    with recording.listened(number=number, sound=False) as delivered:
        try:
            async for one in _or_heartbeat(delivered, heartbeat_seconds):
                yield _HEARTBEAT if one is None else _event(one)
        except MadeElsewhere:
            return  # a browser reconnects by itself, to another server, and sends the id of the last event
        except ServiceError as error:
            name = "cancelled" if recording.song.state is SongState.CANCELLED else "failed"
            cause = error.failure if isinstance(error, SongNotComplete) and error.failure else error
            yield _framed(name, bytes(problem(cause).body).decode(), len(recording.entries))


async def _or_heartbeat(
    delivered: AsyncIterator[DeliveredEvent], seconds: float
) -> AsyncIterator[DeliveredEvent | None]:
    """Yield the events of a song as they arrive, and `None` (a heartbeat) after every `seconds` without an event."""
    coming = asyncio.ensure_future(anext(delivered, None))
    try:
        while True:
            done, _ = await asyncio.wait([coming], timeout=seconds)
            if not done:
                yield None
                continue
            if (one := coming.result()) is None:
                return
            yield one
            coming = asyncio.ensure_future(anext(delivered, None))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _event(delivered: DeliveredEvent) -> bytes:
    kind = delivered.message.WhichOneof("event") or ""
    data = json.dumps(plain(getattr(delivered.message, kind)), ensure_ascii=False)
    return _framed(EVENT_NAMES.get(kind, kind), data, delivered.number)


def _framed(name: str, data: str, number: int | None) -> bytes:
    numbered = "" if number is None else f"id: {number}\n"
    return f"{numbered}event: {name}\ndata: {data}\n\n".encode()
