"""Tests, in the whole service, of songs that end before their planned length: their events, estimated times and byte
ranges, a lost worker, the caller's quota, and the store.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import psutil
import pytest

from melisma.v1 import music_pb2
from melisma.v1.music_pb2_grpc import MusicServiceStub
from tests.support.rest import Rest
from tests.support.service import running_service
from tests.support.sounds import decode_frames

ENGINE = "ending=tests.support.ending_engine:EndingEngine"
TIMEOUT_SECONDS = 60.0
SEED, PLANNED_SECONDS = 1, 24.0
SECTION_SECONDS = [2.4, 2.5, 2.9]
"""Lengths in seconds of the sections that the engine makes for `SEED`: three of six sections, all shorter than
planned.
"""
QUOTA = {"audio_seconds_per_hour": 40}
"""Quota that admits one song of planned length after a shorter song, but not two songs of planned length."""


@dataclass(frozen=True)
class Server:
    """The server under test: its process, a gRPC stub that calls it, and the address of its HTTP port."""

    process: psutil.Process
    stub: Any
    address: str

    def begin(self, prompt: str = "noise", *, seed: int = SEED, key: str = "free") -> Any:
        """Request a new song as the caller with the API key `key`, and return the call of Generate."""
        request = music_pb2.GenerateRequest(
            request_id=str(uuid4()), prompt=prompt, duration_seconds=PLANNED_SECONDS, seed=seed
        )
        return self.stub.Generate(request, timeout=TIMEOUT_SECONDS, metadata=credentials(key))

    def kill_worker(self) -> None:
        (worker,) = (one for one in self.process.children(recursive=True) if "server.workers.worker" in one.cmdline())
        worker.kill()


def credentials(key: str) -> tuple[tuple[str, str]]:
    return (("authorization", f"Bearer key-of-{key}"),)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(keys, free={}, short=QUOTA)
    with running_service(ENGINE, API_KEYS=str(keys)) as started, grpc.insecure_channel(started.address) as channel:
        started.wait_serving(channel)
        started.discard_log()
        yield Server(psutil.Process(started.process.pid), MusicServiceStub(channel), started.http_address)


def write_keys(path: Path, **keys: dict[str, Any]) -> None:
    entries = [
        {"name": name, "sha256": hashlib.sha256(f"key-of-{name}".encode()).hexdigest(), **limits}
        for name, limits in keys.items()
    ]
    path.write_text(json.dumps({"keys": entries}), "utf-8")


def of(events: list[Any], kind: str) -> list[Any]:
    """Return the contents of those of a song's `events` that have this kind, such as "chunk"."""
    return [getattr(event, kind) for event in events if event.WhichOneof("event") == kind]


def sound(events: list[Any]) -> bytes:
    return b"".join(chunk.data for chunk in of(events, "chunk"))


def events_of(call: Any) -> list[Any]:
    return [response.event for response in call]


@pytest.fixture(scope="module")
def slow(server: Server) -> bytes:
    """Fixture: the sound of a song that was made alone and without disturbances, with the prompt "slow", whose steps
    take longer.
    """
    return sound(events_of(server.begin("slow")))


def test_a_song_is_told_as_planned_and_then_as_made(server: Server) -> None:
    events = events_of(server.begin())
    (plan,), sections, (finished,) = of(events, "plan"), of(events, "section_finished"), of(events, "finished")
    assert (plan.steps, len(plan.sections), plan.duration_seconds) == (0, 6, PLANNED_SECONDS)
    assert (plan.sample_count, plan.sample_count_exact) == (PLANNED_SECONDS * 44_100, False)
    assert not plan.HasField("stream_size_bytes")
    progress = [one for one in of(events, "progress") if one.section_share]
    assert progress
    assert all(0 < one.section_share <= 1 and one.step == one.steps == 0 for one in progress)
    assert [one.duration_seconds for one in sections] == pytest.approx(SECTION_SECONDS)
    for before, after in pairwise(sections):
        assert after.start_seconds == pytest.approx(before.start_seconds + before.duration_seconds)
    for one in sections:
        end_seconds = one.start_seconds + one.duration_seconds
        for span in (*one.timings, *one.chords):
            assert (span.start_seconds, span.end_seconds) == pytest.approx((one.start_seconds, end_seconds))
    for chunk in of(events, "chunk"):
        assert sections[chunk.section_index].start_seconds <= chunk.start_seconds + 1e-6
        assert chunk.section_index == len(sections) - 1 or (
            chunk.start_seconds < sections[chunk.section_index + 1].start_seconds
        )
    assert finished.sample_count == round(sum(SECTION_SECONDS) * 44_100)
    assert (finished.size_bytes, finished.sha256) == (len(sound(events)), hashlib.sha256(sound(events)).hexdigest())
    padding = decode_frames(sound(events)).shape[1] - finished.sample_count - plan.delay_samples
    assert 0 <= padding < 2 * 1152


def test_what_was_made_is_stored_and_charged(server: Server) -> None:
    first, again = (events_of(server.begin(key="short")) for _ in range(2))
    assert sound(first) == sound(again)
    song_id, told = again[0].accepted.song_id, {"timeout": TIMEOUT_SECONDS, "metadata": credentials("short")}
    song = server.stub.GetSong(music_pb2.GetSongRequest(song_id=song_id), **told).song
    assert song.state == music_pb2.SONG_STATE_COMPLETED
    assert song.duration_seconds == pytest.approx(sum(SECTION_SECONDS), abs=1e-4)
    half = len(sound(again)) // 2
    rest = events_of(server.stub.Listen(music_pb2.ListenRequest(song_id=song_id, byte_offset=half), **told))
    assert sound(rest) == sound(again)[half:]
    assert len(of(rest, "section_finished")) == len(SECTION_SECONDS)


def test_songs_in_different_phases_are_made_together(server: Server, slow: bytes) -> None:
    """A section is in the phase of tokens or in that of sound; a step that had sections of both phases would make wrong
    sound.
    """
    calls = [server.begin("slow", seed=seed) for seed in (SEED, 7, SEED)]
    together: list[list[Any]] = [[], [], []]
    for row in zip_longest(*calls):
        for events, response in zip(together, row, strict=True):
            events += [] if response is None else [response.event]
    assert [sound(events) == slow for events in together] == [True, False, True]
    assert all(of(events, "finished") for events in together)


def test_a_song_outlives_its_worker_and_ends_at_the_same_sample(server: Server, slow: bytes) -> None:
    events: list[Any] = []
    heard = 0
    for response in server.begin("slow"):
        events.append(response.event)
        if len(of(events, "chunk")) == 1 and not of(events[:-1], "chunk"):
            server.kill_worker()
            heard = len(events)
    assert heard
    assert of(events[heard:], "section_finished")
    assert sound(events) == slow


def test_ranges_of_a_song_that_is_being_made_have_no_total(server: Server, slow: bytes) -> None:
    rest = Rest(server.address, {"Authorization": "Bearer key-of-free"})
    song_id = rest.begin({"prompt": "slow", "duration": PLANNED_SECONDS, "seed": SEED})
    first = rest.ask("GET", f"/audio/{song_id}.mp3", Range="bytes=0-999")
    assert (first.status, first.headers["content-range"], first.data) == (206, "bytes 0-999/*", slow[:1000])
    connection, whole = rest.open("GET", f"/audio/{song_id}.mp3")
    assert whole.getheader("Content-Length") is None
    assert whole.read() == slow
    connection.close()
    rest.wait_until(song_id, "completed")
    after = rest.ask("GET", f"/audio/{song_id}.mp3", Range="bytes=1000-")
    assert after.headers["content-range"] == f"bytes 1000-{len(slow) - 1}/{len(slow)}"
    assert rest.ask("GET", f"/audio/{song_id}.mp3", Range=f"bytes={len(slow)}-").status == 416
