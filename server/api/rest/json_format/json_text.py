"""Parses JSON request bodies within limits. A body must be UTF-8, and names in an object must be unique.

A JSON parser needs time and memory for each value, however short the value is. So the body is first scanned token by
token without decoding strings; the scan stops at the first excess.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from google.protobuf.descriptor import Descriptor
from starlette.exceptions import HTTPException

from melisma.v1 import music_pb2
from model.song import Violation
from server.api.rest.json_format.proto_json import Json, printable
from server.contract.field_bounds import bounds_of
from server.contract.wire_scan import RequestLimits, check_size
from server.errors import WHOLE_REQUEST, InvalidRequest

MAX_TOKENS = 16_384
"""Most tokens (brackets, commas, colons, names and values) of one body; the longest melody needs 5,200."""
MAX_ESCAPES = 100_000
"""Most backslashes of one body; the longest lyrics need 20,000, and audio data in base64 with escaped slashes
70,000.
"""
MAX_DEPTH = 16
LONGEST_NUMBER = 100

_TOKEN = re.compile(
    rb"""[ \t\r\n]*+(?:"(?P<string>[^"\\]*+(?:\\.[^"\\]*+)*+)"|(?P<sign>[][{}:,])|[^][{}:,"\s]++|(?P<broken>.)|\Z)""",
    re.DOTALL,
)
_OPENING, _CLOSING, _COLON = frozenset({b"{", b"["}), frozenset({b"}", b"]"}), b":"
_Number = TypeVar("_Number", int, float)


def read_json(data: bytes, limits: RequestLimits) -> Json:
    """Parse the JSON body of a request for a song.

    Raises:
        HTTPException: the body is too large (413).
        InvalidRequest: the body is not JSON in UTF-8, has too many values, or the same name twice in one object.
    """
    _check_size(len(data), _scanned(data), limits)
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            parse_constant=_no_constant,
            parse_int=_bounded(int),
            parse_float=_bounded(float),
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(Violation(WHOLE_REQUEST, _fault(error))) from None


def _fault(error: ValueError | RecursionError) -> str:
    match error:
        case json.JSONDecodeError():
            where = f"line {error.lineno}, column {error.colno}"
            return f"is not valid JSON: {error.msg} ({where}); put names and strings in double quotes"
        case UnicodeDecodeError():
            return "is not UTF-8 text: encode the JSON as UTF-8"
        case RecursionError():
            return "is nested too deeply: put fewer lists and objects within one another"
    return f"is not valid JSON: {error}"


def _check_size(size: int, recording_bytes: int, limits: RequestLimits) -> None:
    try:
        check_size(size, recording_bytes, limits)
    except InvalidRequest as error:
        text = f"the body {error.violations[0].description}"
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text) from None


def _scanned(data: bytes) -> int:
    """Scan the tokens of a body and return the size, in bytes, of the audio recordings in it (base64 text).

    Raises:
        InvalidRequest: the body has too many tokens or escapes, is nested too deeply, or has an unclosed string.
    """
    if data.count(b"\\") > MAX_ESCAPES:
        raise InvalidRequest(
            Violation(
                WHOLE_REQUEST,
                f"must have at most {MAX_ESCAPES} escaped characters: write characters as they are, in UTF-8",
            )
        )
    depth, recording_bytes, name, named, names = 0, 0, b"", False, _recordings()
    for number, token in enumerate(_TOKEN.finditer(data)):
        if number > MAX_TOKENS:
            raise InvalidRequest(Violation(WHOLE_REQUEST, "has too many values: send fewer fields and list elements"))
        string, sign, broken = token.groups()
        if broken is not None:
            raise InvalidRequest(
                Violation(WHOLE_REQUEST, "is not valid JSON: a string lacks the double quote at its end")
            )
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth > MAX_DEPTH:
            raise InvalidRequest(
                Violation(WHOLE_REQUEST, "is nested too deeply: put fewer lists and objects within one another")
            )
        if string is not None:
            recording_bytes += len(string) if named and name in names else 0
            name = string if len(string) <= LONGEST_NUMBER else b""
        named = sign == _COLON
    return recording_bytes


@cache
def _recordings() -> frozenset[bytes]:
    """Return the names of the request fields that hold an audio recording."""
    return frozenset(name.encode() for name in _recording_names(music_pb2.GenerateRequest.DESCRIPTOR))


def _recording_names(message: Descriptor) -> Iterator[str]:
    for field in message.fields:
        if bounds_of(field).is_recording:
            yield field.name
        if field.message_type is not None:
            yield from _recording_names(field.message_type)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no number {name}; write a number, or leave the field out")


def _bounded(read: Callable[[str], _Number]) -> Callable[[str], _Number | float]:
    """Return a function that parses a number with `read`. A number with too many digits becomes infinity, which the
    check of its field refuses.
    """
    return lambda text: read(text) if len(text) <= LONGEST_NUMBER else -math.inf if text.startswith("-") else math.inf


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise InvalidRequest(Violation(printable(twice), "is given twice: leave one of them out"))
    return found
