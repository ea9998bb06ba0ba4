"""Tokens of pages: where in a caller's list of songs the next page begins."""

import base64
import binascii

from model.song import Violation
from server.errors import InvalidRequest
from server.store.base import Place, SongRecord


def page_token(last: SongRecord) -> str:
    """The token of the page behind a song."""
    return base64.urlsafe_b64encode(f"{last.created_ns}:{last.song_id}".encode()).decode()


def place_of(token: str) -> Place | None:
    """The place that a token stands for, `None` for the beginning; raises InvalidRequest for what is no token."""
    if not token:
        return None
    try:
        created_ns, _, song_id = base64.b64decode(token, altchars=b"-_", validate=True).decode().partition(":")
        place = Place(int(created_ns), song_id)
    except (ValueError, binascii.Error) as error:
        raise _invalid() from error
    if not 0 <= place.created_ns < 1 << 63:
        raise _invalid()
    return place


def _invalid() -> InvalidRequest:
    return InvalidRequest(Violation("page_token", "is not the token of a page"))
