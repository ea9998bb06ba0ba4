"""Tests of rollouts with live listeners: every server is replaced, by a server of the same or another version.

`make test-shared` runs them. Listeners play songs in real time, with some seconds of buffered sound.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest

from melisma.v1 import music_pb2
from melisma_client import Client, Retry, SongRequest
from tests.support.cuts.fleet import Fleet

pytestmark = pytest.mark.cuts

FAKE = "fake=tests.support.fakes:FakeEngine"
LOUDER_FAKE = "fake=tests.support.matrix_engine:LouderEngine"
STUDIO = "studio=model.studio.engine:StudioEngine"
LOUDER_STUDIO = "studio=tests.support.louder_studio:LouderStudio"
FAKE_LISTENERS, FAKE_IN_HAND_SECONDS = 16, 10.0
STUDIO_LISTENERS, STUDIO_IN_HAND_SECONDS = 6, 20.0
FAKE_SECONDS, STUDIO_SECONDS = 60.0, 90.0
"""Lengths in seconds of songs that the last old server still makes when the rollout ends; new servers start slowly,
those with studio more slowly.
"""
SERVERS = 3
HAND_OVER_SECONDS = 15.0
HANDED_OVER = "another server has taken a song that this server handed over"
LONGEST_STALL_SECONDS = 0.5
RETRY = Retry(attempts=200, first_wait_seconds=0.1, longest_wait_seconds=0.5)
SETTINGS = {"STORE__LEASE_SECONDS": "2", "GRACE_SECONDS": "200", "LIMITS__STREAM_BUFFER_BYTES": str(1 << 18)}


@dataclass
class Listener:
    """A listener who plays a song in real time and buffers up to `most_seconds` of sound; records stalls and errors."""

    song_seconds: float
    most_seconds: float
    stalled_seconds: float = 0.0
    in_hand_seconds: float = 0.0
    error: str = ""
    kinds: list[str] = field(default_factory=list)

    def play(self, client: Client, seed: int) -> None:
        began, heard, silence = 0.0, 0.0, 0.0
        try:
            for event in client.generate(SongRequest(prompt="noise", duration_seconds=self.song_seconds, seed=seed)):
                self.kinds.append(type(event).__name__)
                if not isinstance(event, music_pb2.AudioChunk):
                    continue
                now = time.monotonic()
                began = began or now
                silence += max(0.0, now - began - silence - heard)
                heard = event.start_seconds + event.duration_seconds
                self.in_hand_seconds = heard - (now - began - silence)
                time.sleep(max(0.0, self.in_hand_seconds - self.most_seconds))
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        self.stalled_seconds = silence


@pytest.fixture
def open_fleet(tmp_path: Path) -> Iterator[Callable[[int, str], Fleet]]:
    with ExitStack() as stack:

        def opened(size: int, engine: str) -> Fleet:
            fleet = Fleet(size, tmp_path / "objects", engine, Random(1), SETTINGS)
            stack.callback(fleet.close)
            return fleet

        yield opened


def rolled(fleet: Fleet, engine: str, listeners: Sequence[Listener]) -> list[float]:
    """Replace all servers by servers with the engine `engine` while each listener plays a song; return the seconds that
    each old server took to end.
    """
    seeds, seconds = count(1), list[float]()
    with ExitStack() as stack:
        players = stack.enter_context(ThreadPoolExecutor(len(listeners)))
        clients = [stack.enter_context(Client(fleet.address, retry=RETRY)) for _ in listeners]
        done = [players.submit(one.play, own, next(seeds)) for one, own in zip(listeners, clients, strict=True)]
        until_in_hand(listeners)
        rolling = threading.Thread(target=lambda: seconds.extend(fleet.roll(engine)))
        rolling.start()
        for one in done:
            one.result()
        rolling.join()
    longest = max(one.stalled_seconds for one in listeners)
    ends = ", ".join(f"{one:.1f}" for one in seconds)
    messages = Counter(line["message"] for server in fleet.ended for line in server.lines)
    print(  # noqa: T201
        f"\n{len(listeners)} listeners; servers took {ends} s to end, and handed {messages[HANDED_OVER]} songs over; "
        f"longest stall {longest:.2f} s"
    )
    return seconds


def until_in_hand(listeners: Sequence[Listener]) -> None:
    give_up_at = time.monotonic() + 90
    while not all(one.in_hand_seconds >= one.most_seconds for one in listeners):
        assert time.monotonic() < give_up_at, [(one.error, one.in_hand_seconds) for one in listeners]
        time.sleep(0.05)


def require_whole(listeners: Sequence[Listener]) -> None:
    """Fail unless every listener has received a complete song without a long stall; the client library has already
    compared the song's checksum.
    """
    assert [one.error for one in listeners if one.error] == []
    assert all(one.kinds.count("SongFinished") == 1 for one in listeners)
    assert [one.stalled_seconds for one in listeners if one.stalled_seconds > LONGEST_STALL_SECONDS] == []


@pytest.mark.parametrize("engine", [FAKE, LOUDER_FAKE], ids=["same sound", "another sound"])
def test_a_rollout_loses_nothing_and_nobody_runs_dry(open_fleet: Callable[[int, str], Fleet], engine: str) -> None:
    listeners = [Listener(FAKE_SECONDS, FAKE_IN_HAND_SECONDS) for _ in range(FAKE_LISTENERS)]
    assert len(rolled(open_fleet(SERVERS, FAKE), engine, listeners)) == SERVERS
    require_whole(listeners)


@pytest.mark.parametrize("engine", [STUDIO, LOUDER_STUDIO], ids=["same sound", "another sound"])
def test_a_rollout_of_studio_loses_nothing_and_nobody_runs_dry(
    open_fleet: Callable[[int, str], Fleet], engine: str
) -> None:
    listeners = [Listener(STUDIO_SECONDS, STUDIO_IN_HAND_SECONDS) for _ in range(STUDIO_LISTENERS)]
    assert len(rolled(open_fleet(SERVERS, STUDIO), engine, listeners)) == SERVERS
    require_whole(listeners)


def test_sixteen_songs_are_handed_over_in_seconds(open_fleet: Callable[[int, str], Fleet]) -> None:
    fleet = open_fleet(1, FAKE)
    listeners = [Listener(FAKE_SECONDS, FAKE_IN_HAND_SECONDS) for _ in range(16)]
    (seconds,) = rolled(fleet, FAKE, listeners)
    require_whole(listeners)
    (former,) = fleet.ended
    assert [line["message"] for line in former.lines].count(HANDED_OVER) == len(listeners)
    assert seconds < HAND_OVER_SECONDS
