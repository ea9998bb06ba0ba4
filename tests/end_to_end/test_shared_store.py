"""Tests of two servers on one store with a real song directory: each server answers calls for the other's songs."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import grpc
import pytest
from redis import Redis

from melisma.v1 import music_pb2
from melisma.v1.music_pb2_grpc import MusicServiceStub
from melisma_client import Client, NotFound, Retry, SongRequest
from tests.support.cutting import cutting
from tests.support.residue import in_directory, in_files, made
from tests.support.rest import MUSIC, Rest
from tests.support.servers import DirectoryServer
from tests.support.service import Service, running_service

pytestmark = pytest.mark.shared

ENGINES = "fake=tests.support.fakes:FakeEngine,ending=tests.support.ending_engine:EndingEngine"
TIMEOUT_SECONDS = 60.0
LEASE_SECONDS = 2.0


@dataclass(frozen=True)
class Replica:
    """A server and a stub that calls it."""

    service: Service
    stub: Any


def opened(stack: ExitStack, directory: DirectoryServer, objects: Path) -> Replica:
    settings = {
        "STORE__KIND": "shared",
        "STORE__FOLDER": "",
        "STORE__DIRECTORY": directory.url,
        "STORE__OBJECTS": f"file://{objects}",
        "STORE__LEASE_SECONDS": str(LEASE_SECONDS),
    }
    service = stack.enter_context(running_service(ENGINES, **settings))
    channel = stack.enter_context(grpc.insecure_channel(service.address))
    service.wait_serving(channel)
    service.discard_log()
    return Replica(service, MusicServiceStub(channel))


@pytest.fixture(scope="module")
def directory() -> Iterator[DirectoryServer]:
    server = DirectoryServer()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="module")
def replicas(directory: DirectoryServer, objects: Path) -> Iterator[tuple[Replica, Replica]]:
    with ExitStack() as stack:
        yield opened(stack, directory, objects), opened(stack, directory, objects)


def generate(replica: Replica, seconds: float = 30.0, **fields: Any) -> Any:
    request = music_pb2.GenerateRequest(**{"prompt": "noise", "duration_seconds": seconds, "seed": 3, **fields})
    return replica.stub.Generate(request, timeout=TIMEOUT_SECONDS)


def listen(replica: Replica, song_id: str, offset: int = 0) -> Any:
    request = music_pb2.ListenRequest(song_id=song_id, byte_offset=offset)
    return replica.stub.Listen(request, timeout=TIMEOUT_SECONDS)


def sound(events: list[Any]) -> bytes:
    return b"".join(event.chunk.data for event in events)


def test_each_server_answers_for_the_songs_of_the_other(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    request_id = str(uuid4())
    stream = generate(here, request_id=request_id)
    song_id = next(stream).event.accepted.song_id
    live: list[Any] = []
    hearing = threading.Thread(target=lambda: live.extend(one.event for one in listen(there, song_id)))
    hearing.start()
    made = [one.event for one in stream]
    hearing.join(TIMEOUT_SECONDS)
    whole = sound(made)
    assert made[-1].finished.sha256 == hashlib.sha256(whole).hexdigest()
    assert sound(live) == whole
    assert live[-1].finished == made[-1].finished
    assert sound([one.event for one in listen(there, song_id, 1001)]) == whole[1001:]
    assert next(generate(there, request_id=request_id)).event.accepted.song_id == song_id
    assert there.stub.GetSong(music_pb2.GetSongRequest(song_id=song_id)).song.size_bytes == len(whole)
    assert song_id in {song.song_id for song in there.stub.ListSongs(music_pb2.ListSongsRequest()).songs}


def test_a_song_is_cancelled_through_the_other_server(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    stream = generate(here, seconds=240.0)
    song_id = next(stream).event.accepted.song_id
    there.stub.CancelSong(music_pb2.CancelSongRequest(song_id=song_id), timeout=TIMEOUT_SECONDS)
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)
    assert caught.value.code() is grpc.StatusCode.CANCELLED
    assert there.stub.GetSong(music_pb2.GetSongRequest(song_id=song_id)).song.state == music_pb2.SONG_STATE_CANCELLED


def test_nothing_is_left_in_directory_and_objects_of_a_song_that_is_deleted(
    replicas: tuple[Replica, Replica], directory: DirectoryServer, objects: Path
) -> None:
    with ExitStack() as stack:
        mine, yours = (stack.enter_context(Client(one.service.address, caller="deleter")) for one in replicas)
        memory: Any = stack.enter_context(Redis.from_url(directory.url))
        song_id = made(mine)
        assert in_files(objects) >= {"song.mp3", "record.json"}
        assert in_directory(memory) >= {f"m:song:{song_id}".encode(), f"m:sound:{song_id}".encode()}
        here, there = (Rest(one.service.http_address, {"X-Caller": "deleter"}) for one in replicas)
        assert [rest.ask("GET", f"/audio/{song_id}.mp3").status for rest in (here, there)] == [200, 200]
        assert there.ask("DELETE", f"{MUSIC}/{song_id}").status == 204
        for client, rest in ((mine, here), (yours, there)):
            for call in (client.get_song, client.cancel_song, client.delete_song):
                with pytest.raises(NotFound):
                    call(song_id)
            with pytest.raises(NotFound):
                list(client.listen(song_id))
            assert client.list_songs() == ()
            for path in (f"/audio/{song_id}.mp3", f"{MUSIC}/{song_id}", f"{MUSIC}/{song_id}/events"):
                assert rest.ask("GET", path).status == 404
        assert in_files(objects) == set()
        assert in_directory(memory) == set()
        assert {key for key in memory.scan_iter() if song_id.encode() in key} == {f"m:deleted:{song_id}".encode()}


def test_a_client_goes_on_at_another_server_after_every_cut(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    rng, turns = Random(7), cycle([here.service.address, there.service.address])
    retry = Retry(attempts=40, first_wait_seconds=0.02, longest_wait_seconds=0.2)
    with (
        cutting(lambda: next(turns), lambda: rng.randrange(20_000, 400_000)) as way,
        Client(here.service.address) as straight,
        Client(way.address, retry=retry) as cut,
    ):
        whole = b"".join(straight.generate(SongRequest(prompt="noise", duration_seconds=60, seed=9)).audio())
        for _ in range(2):
            song = cut.generate(SongRequest(prompt="noise", duration_seconds=60, seed=9))
            assert b"".join(song.audio()) == whole
        assert way.cuts >= 4


def test_songs_whose_server_is_killed_go_on_at_another_also_those_that_end_early(
    replicas: tuple[Replica, Replica], directory: DirectoryServer, objects: Path
) -> None:
    _, there = replicas
    wishes = ({"engine": "fake"}, {"engine": "ending", "prompt": "slow"})
    with ExitStack() as stack:
        here = opened(stack, directory, objects)
        wholes = [sound([one.event for one in generate(there, seconds=60.0, **wish)]) for wish in wishes]
        streams = [generate(here, seconds=60.0, request_id=str(uuid4()), **wish) for wish in wishes]
        song_ids = [next(stream).event.accepted.song_id for stream in streams]
        listeners = [listen(there, song_id) for song_id in song_ids]
        songs = [[next(heard).event for _ in range(4)] for heard in listeners]
        here.service.process.kill()
        for events, heard in zip(songs, listeners, strict=True):
            events += [one.event for one in heard]
    for events, whole, song_id in zip(songs, wholes, song_ids, strict=True):
        assert sound(events) == whole
        assert [event.WhichOneof("event") for event in events].count("finished") == 1
        assert events[-1].finished.sha256 == hashlib.sha256(whole).hexdigest()
        stored = there.stub.GetSong(music_pb2.GetSongRequest(song_id=song_id)).song
        assert stored.state == music_pb2.SONG_STATE_COMPLETED
        assert stored.duration_seconds == events[-1].finished.duration_seconds


def test_a_server_that_is_told_to_end_hands_its_songs_and_listeners_over(
    replicas: tuple[Replica, Replica], directory: DirectoryServer, objects: Path
) -> None:
    _, there = replicas
    retry = Retry(attempts=40, first_wait_seconds=0.02, longest_wait_seconds=0.2)
    with ExitStack() as stack:
        here = opened(stack, directory, objects)
        addresses = cycle([here.service.address, there.service.address])
        way = stack.enter_context(cutting(lambda: next(addresses), lambda: None))
        client = stack.enter_context(Client(way.address, retry=retry))
        song = client.generate(SongRequest(prompt="noise", duration_seconds=60, seed=11))
        pieces = song.audio()
        begun = [next(pieces) for _ in range(3)]
        told = time.monotonic()
        here.service.process.terminate()
        rest = b"".join(pieces)
        assert here.service.process.wait(TIMEOUT_SECONDS) == 0
        assert time.monotonic() - told < TIMEOUT_SECONDS / 2
        straight = stack.enter_context(Client(there.service.address))
        whole = b"".join(straight.generate(SongRequest(prompt="noise", duration_seconds=60, seed=11)).audio())
    assert b"".join(begun) + rest == whole
