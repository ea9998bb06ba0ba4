import pytest

from server.contract.paging import MAX_PAGE_SIZE, cursor_of, engine_token, engines_behind, page_size, song_token
from server.errors import InvalidRequest
from server.store.base import Cursor, SongRecord
from tests.support.table import table

NAMES = ("studio", "ace_step", "opera")


@table(("asked", "size"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)])
def test_a_page_is_as_long_as_asked_for_up_to_the_longest(asked: int, size: int) -> None:
    assert page_size(asked, 50) == size
    assert MAX_PAGE_SIZE == 200


def test_a_token_leads_behind_its_engine() -> None:
    assert engines_behind(NAMES, "") == NAMES
    assert engines_behind(NAMES, engine_token("studio")) == NAMES[1:]
    assert engines_behind(NAMES, engine_token("opera")) == ()


@table("token", ["!", "b3BlcmE=", engine_token("gone"), "/w==", "engine:studio"])
def test_what_is_no_token_of_engines_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequest, match="page_token: must be a next_page_token"):
        engines_behind(NAMES, token)


def test_a_token_of_one_list_is_none_of_the_other() -> None:
    record = SongRecord("song-1", "me", "request", "print", "fake", "x", 7, 5)
    assert cursor_of(song_token(record)) == Cursor(5, "song-1")
    with pytest.raises(InvalidRequest):
        engines_behind(NAMES, song_token(record))
    with pytest.raises(InvalidRequest):
        cursor_of(engine_token("studio"))
