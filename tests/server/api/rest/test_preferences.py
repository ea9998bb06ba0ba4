"""Tests of the kind of response to the headers Accept and Prefer."""

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from server.api.rest.preferences import Wish, sound_type, wish_of
from server.errors import InvalidRequest

ASYNC = "respond-async"
WISHES: list[tuple[str | None, str, Wish]] = [
    (None, "", Wish.SONG),
    ("", "", Wish.SONG),
    ("*/*", "", Wish.SONG),
    ("application/json", "", Wish.SONG),
    ("application/*", "", Wish.SONG),
    ("application/json, text/plain, */*", "", Wish.SONG),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "", Wish.SONG),
    ("audio/mpeg", "", Wish.SOUND),
    ("AUDIO/MPEG; q=0.5", "", Wish.SOUND),
    ("audio/*", "", Wish.SOUND),
    ("audio/mpeg, */*", "", Wish.SOUND),
    ("audio/mpeg, application/json", "", Wish.SONG),
    ("audio/mpeg, application/json;q=0.5", "", Wish.SOUND),
    ("audio/mpeg;q=0, */*", "", Wish.SONG),
    ("application/octet-stream", "", Wish.SOUND),
    (None, ASYNC, Wish.TASK),
    ("application/json", f"wait=5, {ASYNC.upper()}; foo", Wish.TASK),
    ("audio/mpeg, application/json;q=0.1", ASYNC, Wish.TASK),
]


def request(accept: str | None, prefer: str) -> Request:
    given = {b"accept": accept, b"prefer": prefer or None}
    headers = [(name, value.encode()) for name, value in given.items() if value is not None]
    return Request({"type": "http", "headers": headers})


def test_what_is_accepted_and_preferred_decides() -> None:
    found = [wish_of(request(accept, prefer), "audio/mpeg") for accept, prefer, _ in WISHES]
    assert found == [wish for _, _, wish in WISHES]


def test_sound_has_its_own_media_type_unless_bytes_are_accepted_rather() -> None:
    kinds = [None, "*/*", "audio/*", "audio/mpeg, application/octet-stream", "application/octet-stream, */*;q=0.5"]
    found = [sound_type(request(accept, ""), "audio/mpeg") for accept in kinds]
    assert found == ["audio/mpeg"] * 4 + ["application/octet-stream"]


@pytest.mark.parametrize("accept", ["text/html", "audio/wav", "application/json;q=0", "nonsense"])
def test_a_caller_who_accepts_no_answer_is_told_which_there_are(accept: str) -> None:
    with pytest.raises(HTTPException, match="application/json or audio/mpeg") as refusal:
        wish_of(request(accept, ""), "audio/mpeg")
    assert refusal.value.status_code == 406


def test_a_caller_who_does_not_want_to_wait_has_to_take_json() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        wish_of(request("audio/mpeg", ASYNC), "audio/mpeg")
    assert [violation.field for violation in refusal.value.violations] == ["Prefer"]
