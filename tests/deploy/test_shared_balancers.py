"""Tests of three servers on one store behind each proxy of deploy/: every server answers calls for every song."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from random import Random
from uuid import uuid4

import pytest

from melisma.v1.music_pb2 import SONG_STATE_CANCELLED, AudioChunk, SongAccepted, SongFinished
from melisma_client import Cancelled, Client, Retry, SongRequest, Unavailable
from tests.deploy.balancers import PROXIES, Front
from tests.support.cutting import cutting
from tests.support.replicas import SLOW, Replica, maker_of, replica
from tests.support.rest import MUSIC, Rest
from tests.support.servers import DirectoryServer, eventually

pytestmark = [pytest.mark.deploy, pytest.mark.shared]

SONGS = 200
AT_ONCE = 10
LISTENERS = 6
QUICK = Retry(attempts=40, first_wait_seconds=0.02, longest_wait_seconds=0.2)
SONG = {"prompt": "noise", "duration": 30, "seed": 3}
LONG = SongRequest("noise", duration_seconds=30, seed=3)
AUDIO = "/audio/{task_id}.mp3"
TIMEOUT_SECONDS = 120.0


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    directory = DirectoryServer()
    objects = f"file://{tmp_path_factory.mktemp('objects')}"
    with ExitStack() as stack:
        stack.callback(directory.remove)
        yield [stack.enter_context(replica(directory.url, objects, engines=SLOW)) for _ in range(3)]


@pytest.fixture(scope="module", params=PROXIES)
def front(
    request: pytest.FixtureRequest, replicas: list[Replica], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Fixture: the addresses of a proxy that sends calls to all three servers."""
    folder = tmp_path_factory.mktemp(request.param)
    with (
        PROXIES[request.param]([one.service for one in replicas], folder) as front,
        Client(front.grpc) as client,
    ):
        before = [one.calls("ListEngines") for one in replicas]
        eventually(lambda: asked(client) and every(replicas, "ListEngines", before))
        yield front


@pytest.fixture
def client(front: Front) -> Iterator[Client]:
    with Client(front.grpc, retry=QUICK) as client:
        yield client


@pytest.fixture
def rest(front: Front) -> Rest:
    return Rest(front.rest, {})


def asked(client: Client) -> bool:
    """Return True if a call through the proxy reaches a server."""
    try:
        return bool(client.list_engines())
    except Unavailable:
        return False


def every(replicas: Sequence[Replica], method: str, before: Sequence[int]) -> bool:
    """Return True if each server has answered more calls of the method than `before`."""
    return all(one.calls(method) > old for one, old in zip(replicas, before, strict=True))


def several(replicas: Sequence[Replica], method: str, before: Sequence[int]) -> bool:
    """Return True if two or more servers have answered more calls of the method than `before`, so at least one of them
    is not the server that makes the song.
    """
    return sum(one.calls(method) > old for one, old in zip(replicas, before, strict=True)) > 1


def at_once(work: Callable[[int], bytes], count: int = LISTENERS) -> list[bytes]:
    """Call `work` in `count` threads at the same time, each with the number of its thread, and return the results in
    the order of these numbers.
    """
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count), timeout=TIMEOUT_SECONDS))


def made(client: Client, request: SongRequest) -> tuple[str, bytes]:
    """Request a song, and return its id and sound."""
    song = client.generate(request)
    whole = b"".join(song.audio())
    assert song.received.accepted is not None
    return song.received.accepted.song_id, whole


class Cut:
    """One song that is requested through the proxy, and that two listeners receive from the two servers that do not
    make it.

    Each listener's connection is cut after a random number of bytes; the next connection goes to the other of these
    servers.
    """

    def __init__(self, replicas: list[Replica], number: int) -> None:
        self._replicas = replicas
        self._number = number
        self._dice = Random(number)
        self._song_id = ""
        self.cuts = 0

    def hear(self, client: Client) -> None:
        """Make the song and listen to it; fails unless all listeners receive the same bytes and the same final
        event.
        """
        whole, ends = b"", []
        hearing: list[Future[tuple[int, bytes, list[SongFinished]]]] = []
        with ThreadPoolExecutor(2) as listeners:
            for event in client.generate(SongRequest("noise", duration_seconds=10, steps=2, seed=self._number)):
                match event:
                    case SongAccepted():
                        self._song_id = event.song_id
                        others = self._others()
                        hearing += [
                            listeners.submit(self._listen, ways, offset)
                            for ways, offset in ((others, 0), (others[::-1], self._dice.randrange(1, 30_000)))
                        ]
                    case AudioChunk():
                        whole += event.data
                    case SongFinished():
                        ends.append(event)
            heard = [one.result(TIMEOUT_SECONDS) for one in hearing]
        assert len(heard) == 2
        assert [end.sha256 for end in ends] == [hashlib.sha256(whole).hexdigest()]
        for offset, sound, told in heard:
            assert sound == whole[offset:]
            assert told == ends

    def _others(self) -> list[str]:
        maker = maker_of(self._replicas, self._song_id)
        return [one.service.address for one in self._replicas if one is not maker]

    def _listen(self, servers: list[str], offset: int) -> tuple[int, bytes, list[SongFinished]]:
        rng, turns = Random(f"{self._number} {offset}"), cycle(servers)
        sound, ends = b"", []
        with (
            cutting(lambda: next(turns), lambda: rng.randrange(5_000, 200_000)) as way,
            Client(way.address, retry=QUICK) as client,
        ):
            for event in client.listen(self._song_id, offset):
                if isinstance(event, AudioChunk):
                    sound += event.data
                elif isinstance(event, SongFinished):
                    ends.append(event)
            self.cuts += way.cuts
        return offset, sound, ends


def test_songs_are_heard_whole_at_the_servers_that_do_not_make_them(
    replicas: list[Replica], client: Client, front: Front
) -> None:
    songs = [Cut(replicas, number) for number in range(SONGS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda song: song.hear(client), songs, timeout=TIMEOUT_SECONDS))
    assert sum(song.cuts for song in songs) > SONGS


def test_any_server_tells_a_running_song_from_any_byte(replicas: list[Replica], client: Client, front: Front) -> None:
    before = [one.calls("Listen") for one in replicas]
    song = client.generate(LONG)
    events = iter(song)
    accepted = next(event for event in events if isinstance(event, SongAccepted))
    offsets = [0, *(Random(number).randrange(1, 40_000) for number in range(1, LISTENERS))]

    def listen(number: int) -> bytes:
        with Client(front.grpc, retry=QUICK) as other:
            return b"".join(other.listen(accepted.song_id, offsets[number]).audio())

    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(at_once, listen)
        whole = b"".join(event.data for event in events if isinstance(event, AudioChunk))
        assert heard.result(TIMEOUT_SECONDS) == [whole[offset:] for offset in offsets]
    eventually(lambda: several(replicas, "Listen", before))


def test_a_repeated_request_brings_the_same_song_whichever_server_it_meets(client: Client, front: Front) -> None:
    request = SongRequest("noise", duration_seconds=10, seed=5, request_id=str(uuid4()))

    def ask(_: int) -> bytes:
        with Client(front.grpc, retry=QUICK) as other:
            song_id, whole = made(other, request)
            return song_id.encode() + whole

    assert len(set(at_once(ask))) == 1


def test_a_song_is_cancelled_and_listed_whichever_server_the_calls_meet(
    replicas: list[Replica], client: Client, front: Front
) -> None:
    song = client.generate(SongRequest("noise", duration_seconds=240))
    events = iter(song)
    song_id = next(event.song_id for event in events if isinstance(event, SongAccepted))
    with Client(front.grpc) as other:
        other.cancel_song(song_id)
    with pytest.raises(Cancelled):
        list(events)
    before = [one.calls("ListSongs") for one in replicas]
    while not every(replicas, "ListSongs", before):
        assert client.list_songs(1)[0].song_id == song_id
        assert client.get_song(song_id).state == SONG_STATE_CANCELLED


def test_rest_plays_a_running_song_from_any_byte_at_any_server(
    replicas: list[Replica], client: Client, rest: Rest
) -> None:
    before = [one.calls(AUDIO) for one in replicas]
    task_id = rest.begin(SONG)
    offsets = [0, *(Random(number).randrange(1, 40_000) for number in range(1, LISTENERS))]
    playing = at_once(lambda number: rest.ask("GET", f"/audio/{task_id}.mp3?byte_offset={offsets[number]}").data)
    _, whole = made(client, LONG)
    assert playing == [whole[offset:] for offset in offsets]
    eventually(lambda: several(replicas, AUDIO, before))


def test_rest_gives_ranges_of_an_ended_song_at_any_server(replicas: list[Replica], client: Client, rest: Rest) -> None:
    song_id, whole = made(client, LONG)
    before, rng = [one.calls(AUDIO) for one in replicas], Random(7)
    while not every(replicas, AUDIO, before):
        first, last = sorted(rng.sample(range(len(whole)), 2))
        answer = rest.ask("GET", f"/audio/{song_id}.mp3", Range=f"bytes={first}-{last}")
        assert (answer.status, answer.data) == (206, whole[first : last + 1])
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"


def test_rest_tells_events_as_they_come_and_from_the_last_one_on_at_any_server(
    replicas: list[Replica], rest: Rest
) -> None:
    before = [one.calls("/events") for one in replicas]
    task_id = rest.begin(SONG)
    told = rest.events(task_id)
    first, name, _ = next(told)
    assert name == "accepted"
    assert rest.status_of(task_id) in ("queued", "running"), "the events were held back until the song's end"
    rest_of_it = list(told)
    assert rest_of_it[-1][1] == "finished"
    kept = [(number, name) for number, name, _ in rest_of_it if number]
    while not every(replicas, "/events", before):
        again = rest.events(task_id, Last_Event_ID=first)
        assert [(number, name) for number, name, _ in again if number] == kept


def test_rest_cancels_and_lists_a_song_at_any_server(replicas: list[Replica], rest: Rest) -> None:
    task_id = rest.begin({"prompt": "noise", "duration": 240})
    assert rest.ask("DELETE", f"{MUSIC}/{task_id}").status == 200
    rest.wait_until(task_id, "cancelled")
    before = [one.calls(f"GET {MUSIC}") for one in replicas]
    while not every(replicas, f"GET {MUSIC}", before):
        assert rest.ask("GET", f"{MUSIC}?page_size=1").json["songs"][0]["task_id"] == task_id


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz", "/version"])
def test_what_is_for_operators_stays_inside(rest: Rest, path: str) -> None:
    assert rest.ask("GET", path).status == 404


def test_the_preview_page_and_the_document_are_there(rest: Rest) -> None:
    assert rest.ask("GET", "/").headers["content-type"].startswith("text/html")
    assert rest.ask("GET", "/openapi.json").json["openapi"].startswith("3.")
    task_id = rest.begin({"prompt": "noise", "duration": 10})
    told = rest.ask("GET", f"{MUSIC}/{task_id}").json
    assert told["audio_url"] == f"http://{rest.address}/audio/{task_id}.mp3"
