"""Reads the body of a request for a song within limits, and converts it to a GenerateRequest."""

import asyncio
import re
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request

from melisma.v1 import music_pb2
from model.song import Violation
from server.api.rest.idempotency import IDEMPOTENCY_KEY, joined, only_key
from server.api.rest.json_format.json_text import read_json
from server.api.rest.json_format.names import MOVED_FIELDS, OUTPUT_FORMAT, REQUEST_NAMES
from server.api.rest.json_format.proto_json import Json, filled
from server.audio.codecs.registry import all_formats
from server.contract.audio_formats import format_name, format_number
from server.contract.wire_scan import RequestLimits
from server.errors import WHOLE_REQUEST, InvalidRequest
from server.song import DEFAULT_FORMAT

BODY_SECONDS = 30.0
_LARGE_BYTES = 1 << 20
_TURN_SECONDS = 0.002
"""Seconds of pause between reading a large body and checking it, so that other tasks run in between."""

_IS_JSON = re.compile(
    r'\s*application/json\s*(?:;(?!.*charset=(?!"?utf-?8"?\s*(?:;|$))).*)?', re.IGNORECASE | re.DOTALL
)


async def generate_request(request: Request, limits: RequestLimits, caller: str) -> music_pb2.GenerateRequest:
    """Read the body of a call and return it as a GenerateRequest.

    Raises:
        HTTPException: the content type is not JSON (415), the body is larger than the limit (413), or does not arrive
        in time (408).
        InvalidRequest: the body is not JSON, or has unknown fields or values of the wrong type.
    """
    given = await _object(request, limits)
    output_format = _output_format(given)
    _check_names(given)
    message = filled(music_pb2.GenerateRequest(), _renamed(given))
    _take_format(message, output_format)
    message.request_id = joined(message.request_id, only_key(request.headers.getlist(IDEMPOTENCY_KEY)), caller)
    return message


def _check_names(given: dict[str, Json]) -> None:
    found = [
        Violation(name, f"is not a field of the REST API: its name here is {own}")
        for own, name in REQUEST_NAMES.items()
        if own in given
    ]
    found += [Violation(name, f"was renamed: use {path}") for name, path in MOVED_FIELDS.items() if name in given]
    if found:
        raise InvalidRequest(*found)


def _renamed(given: dict[str, Json]) -> dict[str, Json]:
    own_names = {name: own for own, name in REQUEST_NAMES.items()}
    return {own_names.get(name, name): value for name, value in given.items()}


def _output_format(given: dict[str, Json]) -> str | None:
    """Remove the field `output_format` from the request body and return its value; `None` if the field is missing.

    Raises:
        InvalidRequest: no audio format has this name.
    """
    if (name := given.pop(OUTPUT_FORMAT, None)) is None:
        return None
    names = [each.name for each in all_formats()]
    if name not in names:
        raise InvalidRequest(Violation(OUTPUT_FORMAT, f"must be {' or '.join(map(repr, names))}"))
    return str(name)


def _take_format(message: music_pb2.GenerateRequest, name: str | None) -> None:
    """Set `audio.format` of the message to the format `name`, the value of the body's field `output_format`, if given.

    Raises:
        InvalidRequest: the message already has another format.
    """
    given = message.audio.format
    if name and given and format_name(given) != name:
        raise InvalidRequest(Violation(OUTPUT_FORMAT, "must be the same as audio.format: leave one of them out"))
    # The default format stays unset. So requests with and without its name are equal under one request_id.
    if name and name != DEFAULT_FORMAT:
        message.audio.format = format_number(name)


async def _object(request: Request, limits: RequestLimits) -> dict[str, Json]:
    if not _IS_JSON.fullmatch(request.headers.get("content-type", "")):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "the body must be JSON in UTF-8, with the header Content-Type: application/json",
        )
    try:
        async with asyncio.timeout(BODY_SECONDS):
            data = await _read(request, limits.recording_bytes)
    except TimeoutError:
        raise HTTPException(
            HTTPStatus.REQUEST_TIMEOUT, "the body of the request did not arrive in time: send it again"
        ) from None
    given = read_json(data, limits)
    if len(data) > _LARGE_BYTES:
        await asyncio.sleep(_TURN_SECONDS)
    if not isinstance(given, dict):
        raise InvalidRequest(Violation(WHOLE_REQUEST, 'must be a JSON object, such as {"prompt": "pop"}'))
    return given


async def _read(request: Request, limit_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit_bytes:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body of the request has more than {limit_bytes} bytes, the most allowed: send a shorter text or "
                "recording",
            )
    return bytes(data)
