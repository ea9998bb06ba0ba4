"""Tests of two servers whose song directory is killed, lost, full or unreachable: the effects on servers, listeners and
callers.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc
import pytest
from redis import Redis

from melisma.v1 import music_pb2
from tests.support.cutting import cutting
from tests.support.replicas import FAKE, SLOW, ReceivedSong, Replica, replica, told
from tests.support.servers import DirectoryServer, S3Server, eventually, new_prefix
from tests.support.service import start

pytestmark = pytest.mark.outage

TIMEOUT_SECONDS = 60.0
LEASE_SECONDS = 2.0
SONGS_EACH = 2
SONG_SECONDS = 30.0


@pytest.fixture
def directory() -> Iterator[DirectoryServer]:
    server = DirectoryServer()
    yield server
    server.remove()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@dataclass
class Song:
    """A song that is received from the server that makes it, and from the other server."""

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
    """Two servers on one song directory, and the songs that were requested."""

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


def code_of(call: Callable[[], Any]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    code: grpc.StatusCode = caught.value.code()
    return code


def refused(at: Replica) -> bool:
    """Return True if the server refuses a new song because it is full."""
    stream = generate(at)
    try:
        next(stream)
    except grpc.RpcError as error:
        return bool(cast(grpc.Call, error).code() is grpc.StatusCode.RESOURCE_EXHAUSTED)
    stream.cancel()
    return False


def probe(at: Replica, path: str) -> int:
    try:
        with urlopen(f"http://{at.service.http_address}{path}", timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_a_directory_that_is_killed_and_started_again_costs_nobody_a_byte(
    stack: ExitStack, directory: DirectoryServer, tmp_path: Path
) -> None:
    service = Service(stack, directory.url, f"file://{tmp_path}")
    songs = service.begin_some()
    assert not all(song.made.done() for song in songs)
    directory.kill()
    eventually(lambda: service.all_said("the song directory (Redis or Valkey) cannot be reached"))
    directory.start()
    for song in songs:
        song.require_whole()
    service.require_stored(songs)


def in_step(primary: DirectoryServer) -> DirectoryServer:
    """Return a replica of the song directory that has received all data of the primary."""
    server = DirectoryServer("--replicaof", "127.0.0.1", str(primary.port), "--repl-diskless-sync-delay", "0")
    with Redis.from_url(server.url) as client:
        eventually(lambda: client.info("replication")["master_link_status"] == "up")
    return server


def behind(primary: DirectoryServer) -> DirectoryServer:
    """Return a former replica of the song directory that no longer receives data from the primary."""
    server = in_step(primary)
    promote(server)
    return server


def never_filled(primary: DirectoryServer) -> DirectoryServer:
    """Return a replica of the song directory that has never connected to its primary."""
    return DirectoryServer("--replicaof", "127.0.0.1", "1")


def promote(server: DirectoryServer) -> None:
    with Redis.from_url(server.url) as client:
        client.replicaof("NO", "ONE")


@pytest.mark.parametrize("standby", [in_step, behind, never_filled])
def test_songs_go_on_at_a_promoted_replica_whatever_it_has_of_them(
    stack: ExitStack,
    directory: DirectoryServer,
    standby: Callable[[DirectoryServer], DirectoryServer],
    tmp_path: Path,
) -> None:
    primary = directory
    way = stack.enter_context(cutting(lambda: f"127.0.0.1:{primary.port}", lambda: None))
    service = Service(stack, f"redis://{way.address}", f"file://{tmp_path}")
    early = service.begin_some()
    promoted = standby(directory)
    stack.callback(promoted.remove)
    songs = [*early, *service.begin_some()]
    assert sum(not song.made.done() for song in songs) >= SONGS_EACH
    directory.kill()
    promote(promoted)
    primary = promoted
    for song in songs:
        song.require_whole()
    service.require_stored(songs)


def test_a_song_whose_server_dies_with_the_directory_is_interrupted(
    stack: ExitStack, directory: DirectoryServer, tmp_path: Path
) -> None:
    primary = directory
    way = stack.enter_context(cutting(lambda: f"127.0.0.1:{primary.port}", lambda: None))
    service = Service(stack, f"redis://{way.address}", f"file://{tmp_path}")
    empty = DirectoryServer()
    stack.callback(empty.remove)
    song = service.begin(0)
    service.replicas[0].service.process.kill()
    directory.kill()
    primary = empty
    end = song.heard.result(LEASE_SECONDS + 10)
    assert end.code is grpc.StatusCode.UNAVAILABLE
    assert "the server that made the song stopped before it was complete" in str(end.error)
    assert code_of(lambda: get(service.replicas[1], song.song_id)) is grpc.StatusCode.NOT_FOUND


def test_a_full_directory_costs_no_listener_of_the_maker_and_takes_no_new_song(
    stack: ExitStack, directory: DirectoryServer, tmp_path: Path
) -> None:
    service = Service(stack, directory.url, f"file://{tmp_path}", engines=FAKE)
    songs = [service.begin(0, 120.0) for _ in range(3)]
    with Redis.from_url(directory.url) as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 500_000)
        for song in songs:
            made, heard = song.made.result(TIMEOUT_SECONDS), song.heard.result(TIMEOUT_SECONDS)
            assert made.finished is not None
            assert hashlib.sha256(made.sound).hexdigest() == made.finished.sha256
            assert heard.code is grpc.StatusCode.INTERNAL
            assert made.sound.startswith(heard.sound)
            stored = get(service.replicas[1], song.song_id)
            assert stored.state == music_pb2.SONG_STATE_FAILED
            assert "NOT_KEPT" in str(stored.failure)
        eventually(lambda: refused(service.replicas[1]))
        client.config_set("maxmemory", 0)
        eventually(lambda: not refused(service.replicas[1]))
    service.begin(1, 10.0).require_whole()


def test_a_directory_that_stays_away_makes_servers_unready_but_not_unwell(
    stack: ExitStack, directory: DirectoryServer, tmp_path: Path
) -> None:
    service = Service(stack, directory.url, f"file://{tmp_path}", STORE__OUTAGE_SECONDS="1")
    ended = service.begin(0, 10.0)
    ended.require_whole()
    running = service.begin(1)
    directory.kill()
    for one in service.replicas:
        eventually(lambda one=one: probe(one, "/readyz") == 503)  # type: ignore[misc]
        assert probe(one, "/livez") == 200
        assert code_of(lambda one=one: next(generate(one))) is grpc.StatusCode.UNAVAILABLE  # type: ignore[misc]
        assert code_of(lambda one=one: get(one, ended.song_id)) is grpc.StatusCode.UNAVAILABLE  # type: ignore[misc]
    assert running.made.result(TIMEOUT_SECONDS).error is not None
    assert running.heard.result(TIMEOUT_SECONDS).error is not None
    directory.start()
    for at, one in enumerate(service.replicas):
        eventually(lambda one=one: probe(one, "/readyz") == 200)  # type: ignore[misc]
        service.begin(at, 10.0).require_whole()
    assert get(service.replicas[1], ended.song_id).state == music_pb2.SONG_STATE_COMPLETED


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"), "set its maxmemory-policy to noeviction"),
        (("--requirepass", "secret"), "MELISMA_STORE__DIRECTORY_PASSWORD_FILE"),
    ],
)
def test_a_server_ends_at_its_start_with_what_to_set(options: Sequence[str], said: str, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("wrong")
    server = DirectoryServer(*options)
    settings = {
        "STORE__KIND": "shared",
        "STORE__FOLDER": "",
        "STORE__DIRECTORY": server.url,
        "STORE__OBJECTS": f"file://{tmp_path}",
        "ENGINES": FAKE,
    }
    if "--requirepass" in options:
        settings["STORE__DIRECTORY_PASSWORD_FILE"] = str(password)
    try:
        with start("--port", "0", "--http-port", "0", **settings) as process:
            _, log = process.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        server.remove()
    assert process.returncode == 1
    assert said in log
    assert "Traceback" not in log


@pytest.mark.s3
def test_songs_are_heard_and_end_when_their_objects_are_back(stack: ExitStack, directory: DirectoryServer) -> None:
    objects = S3Server()
    stack.callback(objects.remove)
    service = Service(stack, directory.url, new_prefix(), STORE__OBJECTS_ENDPOINT=objects.url)
    old = service.begin(0, 10.0)
    old.require_whole()
    with Redis.from_url(directory.url) as client:
        client.delete(f"m:sound:{old.song_id}", f"m:events:{old.song_id}")  # as a minute after its end
    songs = service.begin_some()
    objects.kill()
    eventually(lambda: service.all_said("an ended song cannot be stored in the object store"), TIMEOUT_SECONDS)
    for one in service.replicas:
        assert code_of(lambda one=one: list(listen(one, old.song_id))) is grpc.StatusCode.UNAVAILABLE  # type: ignore[misc]
        assert get(one, old.song_id).state == music_pb2.SONG_STATE_COMPLETED
    later = service.begin(1, 10.0)
    waits = {song.song_id for song in (*songs, later) if get(service.replicas[0], song.song_id).size_bytes}
    assert waits == {song.song_id for song in (*songs, later)}
    assert not any(song.made.done() or song.heard.done() for song in (*songs, later))
    objects.start()
    for song in (*songs, later):
        song.require_whole()
    service.require_stored([old, *songs, later])
