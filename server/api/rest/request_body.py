"""The body of a request for a song: read within limits, and turned into the contract's message."""

import asyncio
import json
from http import HTTPStatus
from typing import NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request

from melisma.v1 import music_pb2
from model.song import Violation
from server.api.rest.proto_json import Json, filled
from server.errors import InvalidRequest

BODY_SECONDS = 30.0
IDEMPOTENCY_KEY = "Idempotency-Key"
OUTPUT_FORMAT = "mp3"


async def generate_request(request: Request, limit_bytes: int) -> music_pb2.GenerateRequest:
    """The song that is asked for.

    Raises:
        HTTPException: the body is no JSON (400, 415), larger than the limit (413), or does not arrive (408).
        InvalidRequest: it has fields that are not of the contract, or values that they cannot hold.
    """
    given = await _object(request, limit_bytes)
    if given.pop("output_format", OUTPUT_FORMAT) != OUTPUT_FORMAT:
        raise InvalidRequest(Violation("output_format", f"must be {OUTPUT_FORMAT!r}"))
    if "duration_seconds" in given:
        raise InvalidRequest(Violation("duration", "is what duration_seconds is called here"))
    message = filled(music_pb2.GenerateRequest(), _renamed(given))
    _take_key(message, request.headers.getlist(IDEMPOTENCY_KEY))
    return message


def _renamed(given: dict[str, Json]) -> dict[str, Json]:
    return {"duration_seconds" if name == "duration" else name: value for name, value in given.items()}


def _take_key(message: music_pb2.GenerateRequest, keys: list[str]) -> None:
    """`Idempotency-Key` is another place for `request_id`."""
    if "" in keys or len({*keys, *filter(None, [message.request_id])}) > 1:
        raise InvalidRequest(Violation(IDEMPOTENCY_KEY, "must be a UUID, given once, and the same as request_id"))
    if keys:
        message.request_id = keys[0]


async def _object(request: Request, limit_bytes: int) -> dict[str, Json]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            data = await _read(request, limit_bytes)
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time") from None
    try:
        given = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the body is not valid JSON") from None
    if not isinstance(given, dict):
        raise InvalidRequest(Violation("request", "must be a JSON object"))
    return given


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def _read(request: Request, limit_bytes: int) -> bytes:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > limit_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {limit_bytes} bytes")
    return bytes(data)
