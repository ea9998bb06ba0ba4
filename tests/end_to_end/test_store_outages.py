"""Tests of two servers whose song directory is killed, lost, full or unreachable: the effects on servers, listeners and
callers.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc
import pytest
from redis import Redis

from melisma.v1 import music_pb2
from tests.end_to_end.two_servers import LEASE_SECONDS, SONGS_EACH, TIMEOUT_SECONDS, Service, generate, get, listen
from tests.support.cutting import cutting
from tests.support.replicas import FAKE, Replica
from tests.support.servers import DirectoryServer, S3Server, eventually, new_prefix
from tests.support.service import start

pytestmark = pytest.mark.outage


@pytest.fixture
def directory() -> Iterator[DirectoryServer]:
    server = DirectoryServer()
    yield server
    server.remove()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def code_of(call: Callable[[], Any]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    code: grpc.StatusCode = caught.value.code()
    return code


def refused(at: Replica) -> bool:
    """Return True if the server refuses a new song with RESOURCE_EXHAUSTED."""
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
    """Return a replica of the song directory that has no data, because its primary was never reachable."""
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
            assert heard.code is grpc.StatusCode.UNAVAILABLE
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
