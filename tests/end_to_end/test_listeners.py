"""Tests of songs whose listener stops reading or disconnects, that fifty listeners receive at once, or that have no
listener.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import grpc
import pytest

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import GenerateRequest, ListenRequest
from melisma.v1.music_pb2_grpc import MusicServiceStub
from tests.support.rest import MUSIC, Rest
from tests.support.service import Service, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"
TIMEOUT_SECONDS = 60.0
LINGER_SECONDS = 0.4
BUFFER_BYTES = 1 << 16
IN_TRANSIT_BYTES = 1 << 19
"""Most bytes of sound that encoder and network hold in addition to the stream buffer."""

UNDER_WAY = (music_pb2.SONG_STATE_QUEUED, music_pb2.SONG_STATE_RUNNING)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    limits = {"LIMITS__STREAM_BUFFER_BYTES": str(BUFFER_BYTES), "STORE__LINGER_SECONDS": str(LINGER_SECONDS)}
    with running_service(FAKE, **limits) as service:
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        service.discard_log()
        yield service


@pytest.fixture
def stub(service: Service) -> Iterator[Any]:
    with grpc.insecure_channel(service.address) as channel:
        yield MusicServiceStub(channel)


@pytest.fixture
def lazy(service: Service) -> Iterator[Any]:
    """Fixture: a stub whose connection has a small receive window, so that a slow reader blocks the server."""
    with grpc.insecure_channel(service.address, options=[("grpc.http2.bdp_probe", 0)]) as channel:
        yield MusicServiceStub(channel)


def begun(stub: Any, seconds: float, **fields: Any) -> tuple[str, Any]:
    """Request a song of `seconds` with a `request_id`, so that it is made for a while without a listener; return its
    id, and the call after its first event. `fields` are further fields of the request.
    """
    asked = {"prompt": "noise", "duration_seconds": seconds, "seed": 3, "request_id": str(uuid4()), **fields}
    call = stub.Generate(GenerateRequest(**asked), timeout=TIMEOUT_SECONDS)
    return next(call).event.accepted.song_id, call


def song_of(stub: Any, song_id: str) -> music_pb2.Song:
    song: music_pb2.Song = stub.GetSong(music_pb2.GetSongRequest(song_id=song_id), timeout=TIMEOUT_SECONDS).song
    return song


def listened(stub: Any, song_id: str, byte_offset: int = 0) -> bytes:
    """Return the sound of a song from a byte offset to its end."""
    asked = ListenRequest(song_id=song_id, byte_offset=byte_offset)
    return sound(stub.Listen(asked, timeout=TIMEOUT_SECONDS))


def sound(responses: Any) -> bytes:
    return b"".join(response.event.chunk.data for response in responses)


def sum_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    pause = threading.Event()
    for _ in range(round(TIMEOUT_SECONDS / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it never came to that")


def made_bytes(service: Service) -> float:
    """Return the bytes of MP3 that the server has encoded since its start, sent or not."""
    with urlopen(f"http://{service.http_address}/metrics", timeout=TIMEOUT_SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("melisma_chunk_bytes_total"))


def standing_still(read: Callable[[], float]) -> float:
    """Return the value of `read` once it has not changed for 0.4 s."""
    last, since, pause = read(), time.monotonic(), threading.Event()
    while time.monotonic() < since + 0.4:
        pause.wait(0.05)
        if (now := read()) != last:
            last, since = now, time.monotonic()
    return last


def test_a_song_whose_listener_stops_reading_is_made_no_further_and_goes_on_when_it_reads(
    service: Service, stub: Any, lazy: Any
) -> None:
    before = made_bytes(service)
    song_id, call = begun(lazy, 60.0)
    held = standing_still(lambda: made_bytes(service)) - before
    assert 0 < held <= BUFFER_BYTES + IN_TRANSIT_BYTES
    assert song_of(stub, song_id).state == music_pb2.SONG_STATE_RUNNING
    responses = list(call)
    assert len(sound(responses)) > 4 * held  # there was more to be made
    assert sum_of(sound(responses)) == responses[-1].event.finished.sha256 == song_of(stub, song_id).sha256
    assert song_of(stub, song_id).state == music_pb2.SONG_STATE_COMPLETED


def test_a_listener_who_comes_back_in_time_has_the_whole_song(stub: Any) -> None:
    song_id, call = begun(stub, 60.0, steps=50)
    heard = next(response.event.chunk.data for response in call if response.event.WhichOneof("event") == "chunk")
    call.cancel()
    size_bytes = song_of(stub, song_id).size_bytes
    until(lambda: song_of(stub, song_id).size_bytes > size_bytes)
    rest = list(stub.Listen(ListenRequest(song_id=song_id, byte_offset=len(heard)), timeout=TIMEOUT_SECONDS))
    assert rest[-1].event.finished.size_bytes == len(heard + sound(rest))
    assert rest[-1].event.finished.sha256 == sum_of(heard + sound(rest))
    assert song_of(stub, song_id).state == music_pb2.SONG_STATE_COMPLETED


def test_a_song_whose_listener_does_not_come_back_is_cancelled_after_the_time_for_it(lazy: Any) -> None:
    song_id, call = begun(lazy, 240.0, steps=100)
    left_at = time.time()
    call.cancel()
    until(lambda: song_of(lazy, song_id).state not in UNDER_WAY)
    song = song_of(lazy, song_id)
    assert song.state == music_pb2.SONG_STATE_CANCELLED
    assert LINGER_SECONDS <= song.end_time.ToNanoseconds() / 1e9 - left_at < LINGER_SECONDS + 3.0


def test_fifty_listeners_of_one_song_get_the_same_bytes(service: Service, stub: Any, lazy: Any) -> None:
    song_id, call = begun(lazy, 60.0)
    rest = Rest(service.http_address, {})
    live = [*[0] * 20, *[1, 4_000, 99_999, 300_000, 700_000] * 3]
    over_http, late = [0, 1, 50_000, 600_000, 2], [*[0] * 5, 10, 2_000, 5, 1, 123_456]

    def fetched(offset: int) -> bytes:
        return rest.ask("GET", f"/audio/{song_id}.mp3?byte_offset={offset}").data

    until(lambda: song_of(stub, song_id).size_bytes > 0)
    assert song_of(stub, song_id).state == music_pb2.SONG_STATE_RUNNING
    with ThreadPoolExecutor(50) as threads:
        calls = [threads.submit(listened, stub, song_id, offset) for offset in live]
        calls += [threads.submit(fetched, offset) for offset in over_http]
        whole = sound(call)
        heard = [one.result() for one in calls]
        heard += threads.map(lambda offset: listened(stub, song_id, offset), late)
    offsets = [*live, *over_http, *late]
    assert len(heard) == len(offsets) == 50
    rejoined = {sum_of(whole[:offset] + data) for offset, data in zip(offsets, heard, strict=True)}
    assert rejoined == {sum_of(whole)} == {song_of(stub, song_id).sha256}


@pytest.mark.parametrize("looked_into", [False, True], ids=["heard by nobody", "left by its listener"])
def test_a_song_that_is_made_for_its_own_sake_needs_no_listener_and_can_be_heard_afterwards(
    service: Service, stub: Any, *, looked_into: bool
) -> None:
    rest = Rest(service.http_address, {})
    song_id = rest.begin({"prompt": "noise", "duration": 40 if looked_into else 10, "seed": 3, "steps": 100})
    if looked_into:
        call = stub.Listen(ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS)
        assert next(call).event.accepted.song_id == song_id
        call.cancel()
    until(lambda: rest.ask("GET", f"{MUSIC}/{song_id}").json["status"] not in ("queued", "running"))
    song = song_of(stub, song_id)
    assert song.state == music_pb2.SONG_STATE_COMPLETED
    whole = listened(stub, song_id)
    assert sum_of(whole) == song.sha256
    assert rest.ask("GET", f"/audio/{song_id}.mp3").data == whole
