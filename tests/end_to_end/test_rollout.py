"""Rollouts under live listeners: every server is replaced, by one of the same version or of another one.

`make test-shared` runs it; ROLLOUT_SONGS and ROLLOUT_ENGINE set the number of listeners and another engine.
"""

import os
import threading
import time
from collections.abc import Iterator
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

SONGS = int(os.environ.get("ROLLOUT_SONGS", "16"))
ENGINE = os.environ.get("ROLLOUT_ENGINE", "fake=tests.support.fakes:FakeEngine")
OTHER = os.environ.get("ROLLOUT_OTHER", "fake=tests.support.matrix_engine:LouderEngine")
SECONDS, IN_HAND_SECONDS = 60.0, float(os.environ.get("ROLLOUT_IN_HAND", "10"))
SERVERS = 3
RETRY = Retry(attempts=200, first_wait_seconds=0.1, longest_wait_seconds=0.5)
SETTINGS = {"STORE__LEASE_SECONDS": "2", "GRACE_SECONDS": "200", "LIMITS__STREAM_BUFFER_BYTES": str(1 << 18)}


@dataclass
class Listener:
    """One who plays a song as it comes, with some seconds in hand, and what was amiss."""

    stalled_seconds: float = 0.0
    in_hand_seconds: float = 0.0
    error: str = ""
    kinds: list[str] = field(default_factory=list)

    def play(self, client: Client, seed: int) -> None:
        began, heard, silence = 0.0, 0.0, 0.0
        try:
            for event in client.generate(SongRequest(prompt="noise", duration_seconds=SECONDS, seed=seed)):
                self.kinds.append(type(event).__name__)
                if not isinstance(event, music_pb2.AudioChunk):
                    continue
                now = time.monotonic()
                began = began or now
                silence += max(0.0, now - began - silence - heard)
                heard = event.start_seconds + event.duration_seconds
                self.in_hand_seconds = heard - (now - began - silence)
                time.sleep(max(0.0, self.in_hand_seconds - IN_HAND_SECONDS))
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        self.stalled_seconds = silence


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    opened = Fleet(SERVERS, tmp_path / "objects", ENGINE, Random(1), SETTINGS)
    yield opened
    opened.close()


@pytest.mark.parametrize("engine", [ENGINE, OTHER], ids=["same sound", "another sound"])
def test_a_rollout_loses_nothing_and_nobody_runs_dry(fleet: Fleet, engine: str) -> None:
    listeners, seeds = [Listener() for _ in range(SONGS)], count(1)
    rolled: list[float] = []
    with ExitStack() as stack:
        players = stack.enter_context(ThreadPoolExecutor(SONGS))
        clients = [stack.enter_context(Client(fleet.address, retry=RETRY)) for _ in listeners]
        done = [players.submit(one.play, own, next(seeds)) for one, own in zip(listeners, clients, strict=True)]
        _until_in_hand(listeners)
        rolling = threading.Thread(target=lambda: rolled.extend(fleet.roll(engine)))
        rolling.start()
        for one in done:
            one.result()
        rolling.join()
    stalls = sorted(one.stalled_seconds for one in listeners)
    ends = ", ".join(f"{seconds:.1f}" for seconds in rolled)
    print(f"\n{SONGS} listeners; servers took {ends} s to end; longest stall {stalls[-1]:.2f} s")  # noqa: T201
    assert [one.error for one in listeners if one.error] == []
    assert all(one.kinds.count("SongFinished") == 1 for one in listeners)
    assert len(rolled) == SERVERS


def _until_in_hand(listeners: list[Listener]) -> None:
    give_up_at = time.monotonic() + 60
    while not all(one.in_hand_seconds >= IN_HAND_SECONDS for one in listeners):
        assert time.monotonic() < give_up_at, [one.error for one in listeners]
        time.sleep(0.05)
