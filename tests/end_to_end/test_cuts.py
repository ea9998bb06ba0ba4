"""A fault injection test: songs stay complete while their servers, the song directory and the network fail at random.

`make test-shared` runs it with a few songs; CUTS_SONGS, CUTS_SECONDS and CUTS_ENGINE set their number, their length and
another engine. CUTS_SEED repeats the order of the faults. Servers are cut off by setting the links of a network
namespace down if the process may create one (root, and the program `ip`), otherwise by proxies that hold all bytes
back.

No call may be silent for longer than LONGEST_SILENCE_SECONDS after a cut. A silence is measured from its beginning, and
again from each cut that hits the same song: a cut of the song's server, the listener's server, or the directory. Pauses
of the sound last as long as making the song again takes on this computer while it starts another server; they are
reported, and a pause of LONGEST_PAUSE_SECONDS counts as an error.
"""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from melisma.v1 import music_pb2
from melisma_client import Client, Retry, SongRequest
from melisma_client.song import Song
from tests.support.cuts.fleet import Fleet
from tests.support.cuts.history import out_of_turn
from tests.support.cuts.network import Network, NoNamespaces
from tests.support.cuts.report import Report
from tests.support.cuts.silences import Ear

pytestmark = pytest.mark.cuts

SONGS = int(os.environ.get("CUTS_SONGS", "40"))
SECONDS = float(os.environ.get("CUTS_SECONDS", "30"))
ENGINE = os.environ.get("CUTS_ENGINE", "fake=tests.support.fakes:FakeEngine")
SEED = int(os.environ.get("CUTS_SEED", "1"))
AT_ONCE = 8
KINDS_OF_SONGS = 8
SERVERS = 3
LEASE_SECONDS = 1.0
LONGEST_SILENCE_SECONDS = LEASE_SECONDS + 5.0
LONGEST_PAUSE_SECONDS = 20.0
HEARTBEAT_SECONDS = 1.0
SONG_TIMEOUT_SECONDS = 240.0
RETRY = Retry(attempts=1000, first_wait_seconds=0.05, longest_wait_seconds=0.5)
SETTINGS = {
    "STORE__LEASE_SECONDS": str(LEASE_SECONDS),
    "LIMITS__HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
    "KEEPALIVE__TIME_SECONDS": "1",
}


def request(kind: int) -> SongRequest:
    return SongRequest(prompt="pop", lyrics="[verse]\n月光照在窗台上", duration_seconds=SECONDS, seed=kind)


def heard(song: Song, whole: bytes, report: Report, ear: Ear) -> None:
    """Receive a song from its start offset to its end, and record in `report` each silence that `ear` measures, and an
    error if the sound differs from `whole`, that of an undisturbed song.
    """
    sound, ends, name = [], 0, ear.listener
    start = song.received.size_bytes
    try:
        for event in song:
            if isinstance(event, music_pb2.SongAccepted):
                ear.song_id = event.song_id
            ear.told(sound=isinstance(event, music_pb2.AudioChunk))
            if isinstance(event, music_pb2.AudioChunk):
                sound.append(event.data)
            ends += isinstance(event, music_pb2.SongFinished)
    except Exception as error:
        report.wrong.append(f"{name}: {type(error).__name__}: {error}")
    else:
        if b"".join(sound) != whole[start:]:
            report.wrong.append(f"{name}: other sound from byte {start} on")
        elif ends != 1:
            report.wrong.append(f"{name}: finished {ends} times")
        else:
            report.whole += 1
    ear.told()
    report.silences += ear.silences
    report.pauses += ear.pauses


def one_song(number: int, fleet: Fleet, wholes: list[bytes], report: Report, rng: Random) -> None:
    """Request a song through one server, and receive it three times: from its beginning, and from two random byte
    offsets, each through another server.
    """
    whole = wholes[number % KINDS_OF_SONGS]
    offsets = [rng.randrange(len(whole)) for _ in range(2)]
    way = fleet.way()
    ear = Ear(f"caller {number}", way)
    with Client(f"127.0.0.1:{way.port}", retry=RETRY) as client:
        song = client.generate(request(number % KINDS_OF_SONGS), timeout_seconds=SONG_TIMEOUT_SECONDS)
        listeners: list[threading.Thread] = []

        def listening(song_id: str, offset: int) -> None:
            way = fleet.way()
            with Client(f"127.0.0.1:{way.port}", retry=RETRY) as other:
                listened = other.listen(song_id, offset, timeout_seconds=SONG_TIMEOUT_SECONDS)
                heard(listened, whole, report, Ear(f"listener {number} from {offset}", way, song_id))
            way.close()

        with ThreadPoolExecutor(1) as own:
            done = own.submit(heard, song, whole, report, ear)
            while not done.done() and song.received.accepted is None:
                time.sleep(0.01)
            if accepted := song.received.accepted:
                for offset in offsets:
                    listeners.append(threading.Thread(target=listening, args=(accepted.song_id, offset)))
                    listeners[-1].start()
            done.result()
        for listener in listeners:
            listener.join()
    way.close()


def misfortunes(fleet: Fleet, over: threading.Event, report: Report, rng: Random) -> None:
    """Cause random faults one after the other, at random times, until the event `over` is set."""
    kinds = fleet.misfortunes
    names, weights = list(kinds), [weight for _, weight in kinds.values()]
    while not over.wait(rng.uniform(0.5, 2.5)):
        (name,) = rng.choices(names, weights)
        report.befell[name] += 1
        began = time.monotonic()
        kinds[name][0](rng.uniform(0.5, 3 * LEASE_SECONDS))
        print(f"{report.whole} heard, {name}: {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201


@pytest.fixture
def network() -> Iterator[Network | None]:
    try:
        opened = Network()
    except NoNamespaces as reason:
        print(f"partitions are played by proxies that pass nothing on, as there are no network namespaces: {reason}")  # noqa: T201
        yield None
    else:
        yield opened
        opened.remove()


@pytest.fixture
def fleet(tmp_path: Path, network: Network | None) -> Iterator[Fleet]:
    opened = Fleet(SERVERS, tmp_path / "objects", ENGINE, Random(SEED), SETTINGS, network)
    yield opened
    opened.close()


def test_songs_come_out_whole_whatever_befalls_their_servers(fleet: Fleet) -> None:
    report, over, rng = Report(), threading.Event(), Random(SEED)
    with Client(fleet.address) as straight:
        wholes = [b"".join(straight.generate(request(kind)).audio()) for kind in range(KINDS_OF_SONGS)]
    assert len(set(wholes)) == KINDS_OF_SONGS
    began = time.monotonic()
    fate = threading.Thread(target=misfortunes, args=(fleet, over, report, rng))
    with ThreadPoolExecutor(AT_ONCE) as callers:
        fate.start()
        songs = [
            callers.submit(one_song, number, fleet, wholes, report, Random(f"{SEED}-{number}"))
            for number in range(SONGS)
        ]
        for song in songs:
            song.result()
    over.set()
    fate.join()
    histories = [out_of_turn(server.folder) for server in (*fleet.former, fleet.directory)]
    doubled = [line for _, lines in histories for line in lines]
    appends = sum(count for count, _ in histories)
    print(  # noqa: T201
        f"\n{SONGS} songs of {SECONDS:g} s in {time.monotonic() - began:.0f} s: {report.told(fleet)}\n"
        f"{len(doubled)} of {appends} appends out of turn"
    )
    assert appends > SONGS
    assert not doubled
    assert not report.wrong, report.wrong[:10]
    assert report.whole == 3 * SONGS
    late = report.too_long(fleet, LONGEST_SILENCE_SECONDS, LONGEST_PAUSE_SECONDS)
    assert not late, "\n".join(late)
