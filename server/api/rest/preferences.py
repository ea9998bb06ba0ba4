"""Chooses the kind of response to a request for a song from the headers Accept and Prefer."""

from collections.abc import Iterable
from enum import Enum, auto
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request

from model.song import Violation
from server.errors import InvalidRequest

RESPOND_ASYNC = "respond-async"
JSON = "application/json"
BYTES = "application/octet-stream"
"""The media type of any binary data; sent for sound if the caller accepts only this type and not that of the audio
format.
"""
PREFER = "Prefer"


class Wish(Enum):
    """The kind of response that a caller wants for a request for a song: the finished song, its state at once, or its
    sound.
    """

    SONG = auto()
    """The song as JSON, once it is complete."""
    TASK = auto()
    """The state of the song as JSON at once, while the song is being made."""
    SOUND = auto()
    """The sound, streamed while the song is being made."""


def sound_type(request: Request, media_type: str) -> str:
    """Return the media type of a response with sound: that of the audio format, or application/octet-stream if the
    caller accepts only that.
    """
    accepted = _accepted(request)
    return BYTES if _quality(accepted, BYTES) > _quality(accepted, media_type) else media_type


def wish_of(request: Request, media_type: str) -> Wish:
    """Return the kind of response that the caller wants; `media_type` is that of the song's sound.

    Raises:
        HTTPException: the caller accepts no kind of response that exists (406).
        InvalidRequest: `respond-async` is preferred, but the caller does not accept its JSON response.
    """
    accepted = _accepted(request)
    json, sound = _quality(accepted, JSON), max(_quality(accepted, media_type), _quality(accepted, BYTES))
    later = _prefers_async(request.headers.getlist("prefer"))
    if later and json[0] > 0:
        return Wish.TASK
    if later:
        raise InvalidRequest(
            Violation(PREFER, f"{RESPOND_ASYNC} needs a JSON response: leave it out, or name {JSON} in Accept")
        )
    if max(json, sound)[0] <= 0:
        text = f"responses are available as {JSON} or {media_type}: name one of the two in Accept"
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, text)
    return Wish.SOUND if sound > json else Wish.SONG


def _accepted(request: Request) -> str:
    return ",".join(request.headers.getlist("accept")) or "*/*"


def _prefers_async(values: Iterable[str]) -> bool:
    preferences = ",".join(values).lower().split(",")
    return any(one.partition(";")[0].strip() == RESPOND_ASYNC for one in preferences)


def _quality(accepted: str, kind: str) -> tuple[float, int]:
    """Return the weight (0 to 1) that an Accept header gives the media type `kind`, and how exactly the header names
    the type: 0 "*/*", 1 the main type, 2 the full type (RFC 9110, 12.5.1).
    """
    exactness = {"*/*": 0, f"{kind.partition('/')[0]}/*": 1, kind.lower(): 2}
    found = (
        (name.strip(), parameters)
        for name, _, parameters in (one.partition(";") for one in accepted.lower().split(","))
    )
    named = [(exactness[name], _q(parameters)) for name, parameters in found if name in exactness]
    exact, quality = max(named, default=(0, 0.0))
    return quality, exact


def _q(parameters: str) -> float:
    """Return the q parameter (weight) of a media type in an Accept header; 1 if it is missing or not a number."""
    for one in parameters.split(";"):
        name, _, value = one.strip().partition("=")
        if name == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 1.0
    return 1.0
