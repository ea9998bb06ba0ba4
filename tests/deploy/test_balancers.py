"""Tests of two servers behind each balancer of deploy/ under load, while one server is drained, killed or busy."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import pytest
import yaml

from melisma.v1 import music_pb2, music_pb2_grpc
from melisma.v1.music_pb2 import AudioChunk, SongAccepted, SongFinished
from melisma_client import NO_RETRY, Client, MelismaError, SongRequest, Unavailable
from tests.deploy.balancers import BALANCERS, Balancer
from tests.support.servers import eventually
from tests.support.service import Service, running_service

pytestmark = pytest.mark.deploy

SLOW = "fake=tests.deploy.engines:SlowEngine"
LISTENERS = 6
PLACES = 32
SONGS_EACH = 2
SHUTTING_DOWN = "the server is shutting down and accepts no more songs"
SONG_SECONDS = 16.0
TIMEOUT_SECONDS = 120.0


@dataclass
class Watched:
    """A server and the records of its log so far."""

    service: Service
    lines: list[dict[str, Any]]

    @property
    def songs(self) -> list[str]:
        """Ids of the songs that the server has accepted."""
        return [line["song_id"] for line in tuple(self.lines) if line["message"] == "a song was accepted"]

    @property
    def questions(self) -> int:
        """Number of calls of ListEngines that the server has answered."""
        return sum(line.get("method", "").endswith("ListEngines") for line in tuple(self.lines))

    @property
    def songs_of_drain(self) -> list[str]:
        """A list with one entry, an empty text, for each song that the server accepted after the signal to shut down;
        only its length matters.
        """
        messages = [line["message"] for line in self.lines]
        return ["" for message in messages[messages.index(SHUTTING_DOWN) :] if message == "a song was accepted"]


@dataclass
class ReceivedSong:
    """The events that a listener received of one song. `song_ids` are the ids that the servers gave it, `heard` is True
    once sound has come, `complete` once the song has finished; `error` ended the call.
    """

    song_ids: list[str] = field(default_factory=list)
    heard: bool = False
    complete: bool = False
    error: MelismaError | None = None


@contextmanager
def two_servers() -> Iterator[tuple[Watched, Watched]]:
    with ExitStack() as stack:
        opened = [stack.enter_context(running_service(SLOW, GRACE_SECONDS="60")) for _ in range(2)]
        servers = [Watched(service, service.keep_log()) for service in opened]
        for server in servers:
            with grpc.insecure_channel(server.service.address) as channel:
                server.service.wait_serving(channel)
        yield servers[0], servers[1]


@pytest.fixture(params=BALANCERS)
def balancer(request: pytest.FixtureRequest) -> Balancer:
    return BALANCERS[request.param]


@pytest.fixture
def servers() -> Iterator[tuple[Watched, Watched]]:
    with two_servers() as servers:
        yield servers


@pytest.fixture
def address(balancer: Balancer, servers: tuple[Watched, Watched], tmp_path: Path) -> Iterator[str]:
    """Fixture: the address of the balancer, once it has sent songs to both servers."""
    with balancer([server.service for server in servers], tmp_path) as front, Client(front.grpc) as client:
        eventually(
            lambda: sing(client, SongRequest("noise", duration_seconds=10)).complete and all(s.songs for s in servers)
        )
        yield front.grpc


def sing(client: Client, request: SongRequest | None = None) -> ReceivedSong:
    """Request a song and receive it to its end; return the received events."""
    told = ReceivedSong()
    try:
        for event in client.generate(
            request or SongRequest("noise", duration_seconds=SONG_SECONDS), timeout_seconds=60
        ):
            match event:
                case SongAccepted():
                    told.song_ids.append(event.song_id)
                case AudioChunk():
                    told.heard = True
                case SongFinished():
                    told.complete = True
    except MelismaError as error:
        told.error = error
    return told


def listen(address: str, go: Callable[[], None]) -> list[ReceivedSong]:
    """Return the songs that several listeners received, each over its own connection; the function `go`, such as one
    that kills a server, is called while they listen.
    """

    def one(_: int) -> list[ReceivedSong]:
        with Client(address) as client:
            return [sing(client) for _ in range(SONGS_EACH)]

    with ThreadPoolExecutor(LISTENERS) as listeners:
        songs = listeners.map(one, range(LISTENERS), timeout=TIMEOUT_SECONDS)
        go()
        return [told for some in songs for told in some]


def once_both_sing(servers: Sequence[Watched], then: Callable[[], None]) -> None:
    before = [len(server.songs) for server in servers]
    eventually(lambda: all(len(server.songs) > old for server, old in zip(servers, before, strict=True)))
    then()


def test_a_drained_server_costs_no_song(servers: tuple[Watched, Watched], address: str) -> None:
    drained, other = servers
    process = drained.service.process
    songs = listen(address, partial(once_both_sing, servers, partial(process.send_signal, signal.SIGTERM)))
    assert [told.error for told in songs if told.error] == []
    assert [told.complete for told in songs] == [True] * (SONGS_EACH * LISTENERS)
    assert process.wait(TIMEOUT_SECONDS) == 0
    eventually(lambda: any(line["message"] == "the server has stopped" for line in drained.lines))
    assert drained.songs
    assert drained.songs_of_drain == []
    assert other.songs


def test_a_killed_server_costs_its_own_songs_at_most(servers: tuple[Watched, Watched], address: str) -> None:
    killed, other = servers
    songs = listen(address, partial(once_both_sing, servers, killed.service.process.kill))
    lost = [told for told in songs if not told.complete]
    assert all(isinstance(told.error, Unavailable) for told in lost), lost
    assert all(told.heard for told in lost), "a song that nobody had heard yet was not asked for again"
    eventually(lambda: set(other.songs) >= {told.song_ids[-1] for told in songs if told.complete} - set(killed.songs))
    assert {told.song_ids[-1] for told in lost} <= set(killed.songs)
    assert len(lost) <= LISTENERS


@pytest.mark.parametrize("name", ["envoy", "nginx", "haproxy"])
@pytest.mark.parametrize("heartbeat_seconds", [0.5, 60.0])
def test_signs_of_life_keep_a_waiting_song(name: str, heartbeat_seconds: float, tmp_path: Path) -> None:
    """A song waits longer than the idle timeout of the balancer; its stream survives only with heartbeats."""
    limits = {"LIMITS__RUNNING_SONGS": "1", "LIMITS__HEARTBEAT_SECONDS": str(heartbeat_seconds)}
    with (
        running_service(SLOW, **limits) as server,
        grpc.insecure_channel(server.address) as channel,
        BALANCERS[name]([server, server], tmp_path, idle="2s") as front,
        ThreadPoolExecutor(1) as other,
        Client(server.address) as beside,
        Client(front.grpc, retry=NO_RETRY) as client,
    ):
        server.wait_serving(channel)
        eventually(lambda: answered(client))
        long = other.submit(sing, beside, SongRequest("noise", duration_seconds=60))
        eventually(lambda: running_songs(server) == 1)
        told = sing(client, SongRequest("noise", duration_seconds=10))
        assert long.result(TIMEOUT_SECONDS).complete
    assert told.complete == (heartbeat_seconds < 2)


def answered(client: Client) -> bool:
    """Return True if a call through the balancer reaches a server."""
    try:
        return bool(client.list_engines())
    except Unavailable:
        return False


def running_songs(server: Service) -> float:
    """Return the number of songs that a server makes now, from its metrics."""
    with urlopen(f"http://{server.http_address}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("melisma_running_songs{"))


def test_envoy_sends_songs_to_where_room_is(servers: tuple[Watched, Watched], tmp_path: Path) -> None:
    """Servers report their load every second; a server that is busy with other songs gets fewer calls through Envoy."""
    busy, free = servers
    with (
        BALANCERS["envoy"]([busy.service, free.service], tmp_path) as front,
        ThreadPoolExecutor(LISTENERS) as others,
        Client(busy.service.address) as beside,
        grpc.insecure_channel(front.grpc) as channel,
    ):
        songs = [others.submit(sing, beside, SongRequest("noise", duration_seconds=100)) for _ in range(LISTENERS)]
        eventually(lambda: len(busy.songs) == LISTENERS)
        eventually(lambda: weights_of(tmp_path) == [1000 * PLACES // (1 + LISTENERS), 1000 * PLACES])
        share = share_of_calls(channel, servers)
        assert not any(song.done() for song in songs), "the busy server was not busy any more"
        busy.service.process.kill()
    assert share == pytest.approx(1 / (1 + LISTENERS + 1), abs=0.06)


def weights_of(folder: Path) -> list[int]:
    """Return the weights of the servers in order, from Envoy's administration interface; `folder` has Envoy's files."""
    admin = yaml.safe_load((folder / "envoy.yaml").read_text("utf-8"))["admin"]["address"]["socket_address"]
    with urlopen(f"http://{admin['address']}:{admin['port_value']}/clusters?format=json", timeout=10) as response:
        hosts = {cluster["name"]: cluster["host_statuses"] for cluster in json.load(response)["cluster_statuses"]}
    return [host["weight"] for host in hosts["melisma"]]


def share_of_calls(channel: grpc.Channel, servers: Sequence[Watched]) -> float:
    """Make 40 calls, and return the share of them that the first server answered."""
    before, count = [server.questions for server in servers], 40
    for _ in range(count):
        music_pb2_grpc.MusicServiceStub(channel).ListEngines(music_pb2.ListEnginesRequest(), timeout=10)

    def shares() -> list[int]:
        return [server.questions - old for server, old in zip(servers, before, strict=True)]

    eventually(lambda: sum(shares()) == count)
    return shares()[0] / count
