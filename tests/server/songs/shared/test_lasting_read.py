from collections.abc import Iterator
from typing import cast

import pytest

from server.songs.shared import lasting_read as module
from server.songs.shared.lasting_read import lasting_read
from server.store.base import SongStore, StoreFailed


class Answering:
    """A stand-in for a store that returns prepared answers to reads, one after the other; it raises those that are
    errors.
    """

    def __init__(self, *answers: bytes | StoreFailed) -> None:
        self.left: Iterator[bytes | StoreFailed] = iter(answers)

    async def read(self, song_id: str, offset: int, size: int) -> bytes:
        answer = next(self.left)
        if isinstance(answer, StoreFailed):
            raise answer
        return answer


async def read(store: Answering) -> bytes:
    return await lasting_read(cast(SongStore, store), "song-1", 0, 5)


async def test_sound_that_is_missing_is_read_once_it_is_stored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES_SECONDS", (0.0, 0.0, 0.0))
    assert await read(Answering(StoreFailed("no such song"), b"fi", b"first")) == b"first"


async def test_sound_that_stays_away_is_told_as_the_store_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES_SECONDS", (0.0,))
    assert await read(Answering(b"fi", b"fi")) == b"fi"
    with pytest.raises(StoreFailed, match="no such song"):
        await read(Answering(b"fi", StoreFailed("no such song")))
