"""Two servers on one store, and songs that listeners receive from both, for tests of faults that one server or the
store has.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from melisma.v1 import music_pb2
from tests.support.replicas import SLOW, ReceivedSong, Replica, replica, told

TIMEOUT_SECONDS = 60.0
LEASE_SECONDS = 2.0
SONGS_EACH = 2
SONG_SECONDS = 30.0


@dataclass
class Song:
    """A song that one listener receives from the server that makes it (`made`), and another listener from the other
    server (`heard`).
    """

    song_id: str
    made: Future[ReceivedSong]
    heard: Future[ReceivedSong]

    def require_whole(self) -> None:
        """Fail unless both listeners have received the complete song."""
        made, heard = self.made.result(TIMEOUT_SECONDS), self.heard.result(TIMEOUT_SECONDS)
        assert (made.error, heard.error) == (None, None)
        assert made.finished is not None
        assert heard.finished == made.finished
        assert heard.sound == made.sound
        assert hashlib.sha256(made.sound).hexdigest() == made.finished.sha256


class Service:
    """Two servers on one song directory, and methods that request songs from them."""

    def __init__(self, stack: ExitStack, directory: str, objects: str, *, engines: str = SLOW, **settings: str) -> None:
        terms = {"STORE__LEASE_SECONDS": str(LEASE_SECONDS), **settings}
        self.replicas = [stack.enter_context(replica(directory, objects, engines=engines, **terms)) for _ in range(2)]
        self._pool = stack.enter_context(closing(_Threads()))

    def begin(self, at: int, seconds: float = SONG_SECONDS) -> Song:
        """Request a song from the server number `at`; return it once listeners at both servers have received sound."""
        stream = generate(self.replicas[at], seconds)
        song_id = next(stream).event.accepted.song_id
        other = listen(self.replicas[1 - at], song_id)
        first = [_until_sound(stream), _until_sound(other)]
        made, heard = (self._pool.submit(_with, *one) for one in zip(first, (stream, other), strict=True))
        return Song(song_id, made, heard)

    def begin_some(self) -> list[Song]:
        return [self.begin(number % 2) for number in range(2 * SONGS_EACH)]

    def require_stored(self, songs: Sequence[Song]) -> None:
        """Fail unless every server has every song complete in the store."""
        for song in songs:
            whole = song.made.result(TIMEOUT_SECONDS).sound
            for one in self.replicas:
                stored = get(one, song.song_id)
                assert (stored.state, stored.size_bytes) == (music_pb2.SONG_STATE_COMPLETED, len(whole))
                assert told(listen(one, song.song_id)).sound == whole

    def all_said(self, text: str) -> bool:
        return all(one.said(text) for one in self.replicas)


class _Threads:
    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(32)
        self.submit = self._pool.submit

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _until_sound(stream: Any) -> bytes:
    return bytes(next(one.event.chunk.data for one in stream if one.event.WhichOneof("event") == "chunk"))


def _with(first: bytes, stream: Any) -> ReceivedSong:
    rest = told(stream)
    return ReceivedSong(first + rest.sound, rest.finished, rest.error)


def generate(at: Replica, seconds: float = 10.0) -> Any:
    request = music_pb2.GenerateRequest(prompt="noise", duration_seconds=seconds)
    return at.stub.Generate(request, timeout=TIMEOUT_SECONDS)


def listen(at: Replica, song_id: str) -> Any:
    return at.stub.Listen(music_pb2.ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS)


def get(at: Replica, song_id: str) -> Any:
    return at.stub.GetSong(music_pb2.GetSongRequest(song_id=song_id), timeout=TIMEOUT_SECONDS).song
