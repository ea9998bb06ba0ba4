"""Paging of lists in responses: page sizes, and the tokens with which callers request the next page."""

import base64
import binascii
from collections.abc import Sequence

from model.song import Violation
from server.errors import InvalidRequest
from server.store.base import Cursor, SongRecord

MAX_PAGE_SIZE = 200

_ENGINE = "engine:"


def page_size(asked: int, default: int) -> int:
    """Return the number of elements of a page: the requested number `asked`, at most `MAX_PAGE_SIZE`; `default` for
    0.
    """
    return min(asked or default, MAX_PAGE_SIZE)


def song_token(last: SongRecord) -> str:
    """Return the page token with which a caller gets the page after the song `last`."""
    return _token(f"{last.created_ns}:{last.song_id}")


def cursor_of(token: str) -> Cursor | None:
    """Return the position in the list of songs after which a page begins, from its token; `None` for the first page.

    Raises:
        InvalidRequest: the token is invalid.
    """
    if not token:
        return None
    created_ns, _, song_id = _text(token).partition(":")
    try:
        cursor = Cursor(int(created_ns), song_id)
    except ValueError as error:
        raise _invalid() from error
    if not 0 <= cursor.created_ns < 1 << 63:
        raise _invalid()
    return cursor


def engine_token(last: str) -> str:
    """Return the page token with which a caller gets the page after the engine `last`."""
    return _token(_ENGINE + last)


def engines_behind(names: Sequence[str], token: str) -> Sequence[str]:
    """Return the part of `names` after the position of a page token; all names for an empty token.

    Raises:
        InvalidRequest: the token is invalid.
    """
    if not token:
        return names
    text = _text(token)
    name = text.removeprefix(_ENGINE)
    if name == text or name not in names:
        raise _invalid()
    return names[names.index(name) + 1 :]


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _text(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise _invalid() from error


def _invalid() -> InvalidRequest:
    return InvalidRequest(
        Violation("page_token", "must be a next_page_token of a list from this server: leave it out for the first page")
    )
