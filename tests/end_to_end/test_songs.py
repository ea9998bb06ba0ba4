"""Tests of songs after their first call: received again, by several listeners, after broken connections, restarts and
cancellations.
"""

import hashlib
import itertools
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import grpc
import pytest

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import GenerateRequest, ListenRequest
from melisma.v1.music_pb2_grpc import MusicServiceStub
from melisma_client import Client, Failure, Retry, SongRequest, failure_of
from server.store.base import INTERRUPTED, INTERRUPTED_TEXT
from tests.support.cutting import cutting
from tests.support.service import Service, running_service, start

FAKE = "fake=tests.support.fakes:FakeEngine"
TIMEOUT_SECONDS = 60.0
CUTS = 100
LINGER_SECONDS = 1.0


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(FAKE, STORE__LINGER_SECONDS=str(LINGER_SECONDS)) as service:
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        service.discard_log()
        yield service


@pytest.fixture
def channel(service: Service) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(service.address) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.Channel) -> Any:
    return MusicServiceStub(channel)


def request(seconds: float = 10.0, **fields: Any) -> GenerateRequest:
    return GenerateRequest(**{"prompt": "noise", "duration_seconds": seconds, "seed": 3, **fields})


def sound(responses: list[Any]) -> bytes:
    return b"".join(response.event.chunk.data for response in responses)


def kinds(responses: list[Any]) -> list[str]:
    """Return the kinds of events in the responses, without chunks and progress."""
    found = [str(response.event.WhichOneof("event")) for response in responses]
    return [kind for kind in found if kind not in ("chunk", "progress")]


def made(stub: Any, **fields: Any) -> tuple[str, list[Any]]:
    """Receive a whole song; return its id and all responses."""
    responses = list(stub.Generate(request(**fields), timeout=TIMEOUT_SECONDS))
    return responses[0].event.accepted.song_id, responses


def begun(stub: Any, **metadata: str) -> tuple[str, Any]:
    """Request a long song with call metadata `metadata`; return its id, and the call after its first event."""
    call = stub.Generate(request(seconds=240.0, request_id=str(uuid4())), metadata=tuple(metadata.items()))
    return next(call).event.accepted.song_id, call


def code_of(call: Any) -> grpc.StatusCode:
    """Return the status code with which a stream ends."""
    with pytest.raises(grpc.RpcError) as error:
        list(call)
    return error.value.code()


def state(stub: Any, song_id: str) -> int:
    return int(stub.GetSong(music_pb2.GetSongRequest(song_id=song_id), timeout=TIMEOUT_SECONDS).song.state)


def wait_until(stub: Any, song_id: str, wanted: int) -> None:
    """Wait until a song has the state `wanted`."""
    pause = threading.Event()
    for _ in range(round(TIMEOUT_SECONDS / 0.02)):
        if state(stub, song_id) == wanted:
            return
        pause.wait(0.02)
    raise AssertionError(f"{song_id} never came to state {wanted}")


def test_a_song_survives_a_hundred_cuts_byte_for_byte(service: Service, tmp_path: Path) -> None:
    rng = Random(7)
    with (
        cutting(service.address, lambda: rng.randrange(1_000, 200_000)) as way,
        Client(service.address) as straight,
        Client(way.address, retry=Retry(attempts=40, first_wait_seconds=0.02, longest_wait_seconds=0.2)) as cut,
    ):
        whole = b"".join(straight.generate(SongRequest(prompt="noise", duration_seconds=60, seed=9)).audio())
        for number in range(CUTS):
            song = cut.generate(SongRequest(prompt="noise", duration_seconds=60, seed=9))
            finished = song.save(tmp_path / f"{number}.mp3")
            assert (tmp_path / f"{number}.mp3").read_bytes() == whole
            assert finished.sha256 == hashlib.sha256(whole).hexdigest()
            if way.cuts >= CUTS:
                break
        assert way.cuts >= CUTS


def test_a_finished_song_is_told_again_from_every_byte(stub: Any) -> None:
    song_id, first = made(stub)
    whole = sound(first)
    for offset in (0, 1, 5_000, len(whole) // 2, len(whole) - 1, len(whole)):
        again = list(stub.Listen(ListenRequest(song_id=song_id, byte_offset=offset), timeout=TIMEOUT_SECONDS))
        assert sound(again) == whole[offset:]
        assert kinds(again) == kinds(first)
        assert again[-1].event.finished == first[-1].event.finished
    beyond = ListenRequest(song_id=song_id, byte_offset=len(whole) + 1)
    assert code_of(stub.Listen(beyond, timeout=TIMEOUT_SECONDS)) is grpc.StatusCode.OUT_OF_RANGE


def test_several_listen_at_once_from_different_bytes_while_it_is_made(stub: Any) -> None:
    call = stub.Generate(request(seconds=60.0, steps=50, request_id=str(uuid4())), timeout=TIMEOUT_SECONDS)
    song_id = next(call).event.accepted.song_id
    heard: dict[int, list[Any]] = {}

    def listen(offset: int) -> None:
        listened = stub.Listen(ListenRequest(song_id=song_id, byte_offset=offset), timeout=TIMEOUT_SECONDS)
        heard[offset] = list(listened)

    threads = [threading.Thread(target=listen, args=(offset,)) for offset in (0, 1, 100_000, 700_000)]
    for thread in threads:
        thread.start()
    whole = sound(list(call))
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    assert {offset: sound(responses) for offset, responses in heard.items()} == {
        offset: whole[offset:] for offset in (0, 1, 100_000, 700_000)
    }


def test_the_same_request_is_made_once(stub: Any) -> None:
    request_id = str(uuid4())
    song_id, first = made(stub, request_id=request_id)
    again_id, again = made(stub, request_id=request_id)
    assert (again_id, sound(again)) == (song_id, sound(first))
    other = stub.Generate(request(request_id=request_id, seed=4), timeout=TIMEOUT_SECONDS)
    assert code_of(other) is grpc.StatusCode.ALREADY_EXISTS
    stranger = stub.Generate(request(request_id=request_id), metadata=(("x-caller", "other"),), timeout=TIMEOUT_SECONDS)
    assert next(stranger).event.accepted.song_id != song_id


def test_a_song_goes_on_while_its_listener_may_come_back_and_no_longer(stub: Any) -> None:
    song_id, call = begun(stub)
    call.cancel()
    listened = stub.Listen(ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS)
    assert next(listened).event.accepted.song_id == song_id
    listened.cancel()
    wait_until(stub, song_id, music_pb2.SONG_STATE_CANCELLED)
    late = stub.Listen(ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS)
    assert code_of(late) is grpc.StatusCode.FAILED_PRECONDITION


def test_a_song_without_a_request_id_ends_with_its_call(stub: Any) -> None:
    call = stub.Generate(request(seconds=240.0))
    song_id = next(call).event.accepted.song_id
    call.cancel()
    wait_until(stub, song_id, music_pb2.SONG_STATE_CANCELLED)


def test_a_song_is_cancelled_for_all_who_listen(stub: Any) -> None:
    song_id, call = begun(stub)
    listened = stub.Listen(ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS)
    next(listened)
    song = stub.CancelSong(music_pb2.CancelSongRequest(song_id=song_id)).song
    assert song.state == music_pb2.SONG_STATE_CANCELLED
    assert [code_of(call), code_of(listened)] == [grpc.StatusCode.CANCELLED] * 2


def test_nobody_sees_the_songs_of_others(stub: Any) -> None:
    song_id, call = begun(stub, **{"x-caller": "one"})
    mine, other = ((("x-caller", name),) for name in ("one", "two"))

    def listed(metadata: Any) -> list[str]:
        return [song.song_id for song in stub.ListSongs(music_pb2.ListSongsRequest(), metadata=metadata).songs]

    assert (listed(mine), listed(other)) == ([song_id], [])
    for ask in (
        lambda: stub.GetSong(music_pb2.GetSongRequest(song_id=song_id), metadata=other),
        lambda: stub.CancelSong(music_pb2.CancelSongRequest(song_id=song_id), metadata=other),
        lambda: list(stub.Listen(ListenRequest(song_id=song_id), metadata=other)),
    ):
        with pytest.raises(grpc.RpcError) as error:
            ask()
        assert error.value.code() is grpc.StatusCode.NOT_FOUND
    call.cancel()


def test_songs_are_listed_newest_first_page_by_page(stub: Any) -> None:
    metadata = (("x-caller", "collector"),)
    calls = [stub.Generate(request(), metadata=metadata) for _ in range(5)]
    made_ids = [first.event.accepted.song_id for first, *_ in map(list, calls)]
    token, found, pages = "", [], 0
    while pages == 0 or token:
        page = stub.ListSongs(music_pb2.ListSongsRequest(page_size=2, page_token=token), metadata=metadata)
        found += [song.song_id for song in page.songs]
        token, pages = page.next_page_token, pages + 1
    assert (sorted(found), pages) == (sorted(made_ids), 3)
    times = [stub.GetSong(music_pb2.GetSongRequest(song_id=one), metadata=metadata).song for one in found]
    assert [song.create_time.ToNanoseconds() for song in times] == sorted(
        (song.create_time.ToNanoseconds() for song in times), reverse=True
    )
    with pytest.raises(grpc.RpcError) as error:
        stub.ListSongs(music_pb2.ListSongsRequest(page_token="!"), metadata=metadata)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_songs_outlive_a_server_that_is_killed_in_the_middle_of_one(tmp_path: Path) -> None:
    folder = str(tmp_path / "songs")
    with running_service(FAKE, STORE__FOLDER=folder) as service, grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        stub = MusicServiceStub(channel)
        whole_id, first = made(stub)
        call = stub.Generate(request(seconds=240.0, steps=100, request_id=str(uuid4())), timeout=TIMEOUT_SECONDS)
        half_id = next(call).event.accepted.song_id
        file = tmp_path / "songs" / f"{half_id}.mp3"
        # The store notes a piece of sound just behind writing it: when the second is there, the first was noted.
        sizes = itertools.pairwise(file.stat().st_size for _ in call if file.exists())
        next(before for before, after in sizes if 0 < before < after)
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(TIMEOUT_SECONDS)
    with running_service(FAKE, STORE__FOLDER=folder) as service, grpc.insecure_channel(service.address) as channel:
        stub = MusicServiceStub(channel)
        assert sound(list(stub.Listen(ListenRequest(song_id=whole_id), timeout=TIMEOUT_SECONDS))) == sound(first)
        half = stub.GetSong(music_pb2.GetSongRequest(song_id=half_id)).song
        assert half.state == music_pb2.SONG_STATE_FAILED
        assert failure_of(half) == Failure(INTERRUPTED, INTERRUPTED_TEXT)
        assert half.size_bytes == (tmp_path / "songs" / f"{half_id}.mp3").stat().st_size > 0
        heard: list[Any] = []
        with pytest.raises(grpc.RpcError) as error:
            heard.extend(stub.Listen(ListenRequest(song_id=half_id), timeout=TIMEOUT_SECONDS))
        assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_a_drain_keeps_what_it_finishes(tmp_path: Path) -> None:
    folder = str(tmp_path / "songs")
    with running_service(FAKE, STORE__FOLDER=folder) as service, grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        call = MusicServiceStub(channel).Generate(request(seconds=40.0, steps=50), timeout=TIMEOUT_SECONDS)
        song_id = next(call).event.accepted.song_id
        service.process.send_signal(signal.SIGTERM)
        whole = sound(list(call))
        assert service.process.wait(TIMEOUT_SECONDS) == 0
    with running_service(FAKE, STORE__FOLDER=folder) as service, grpc.insecure_channel(service.address) as channel:
        stub = MusicServiceStub(channel)
        assert state(stub, song_id) == music_pb2.SONG_STATE_COMPLETED
        assert sound(list(stub.Listen(ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS))) == whole


def test_a_folder_that_another_server_has_is_named_and_what_to_set(tmp_path: Path) -> None:
    folder = str(tmp_path / "songs")
    with (
        running_service(FAKE, STORE__FOLDER=folder),
        start("--port", "0", "--http-port", "0", ENGINES=FAKE, STORE__FOLDER=folder) as second,
    ):
        assert second.wait(TIMEOUT_SECONDS) == 1
        assert second.stderr is not None
        text = second.stderr.read()
    assert folder in text
    assert "MELISMA_STORE__FOLDER" in text


def test_a_slow_listener_holds_its_song_back_until_a_fast_one_comes() -> None:
    small = [("grpc.http2.bdp_probe", 0)]
    with (
        running_service(FAKE, LIMITS__STREAM_BUFFER_BYTES=str(1 << 16)) as service,
        grpc.insecure_channel(service.address, options=small) as lazy,
        grpc.insecure_channel(service.address) as channel,
    ):
        service.wait_serving(channel)
        stub: Any = MusicServiceStub(channel)
        song_id, slow = begun(MusicServiceStub(lazy))
        list(stub.Generate(request(seconds=240.0), timeout=TIMEOUT_SECONDS))
        held = stub.GetSong(music_pb2.GetSongRequest(song_id=song_id)).song
        assert held.state == music_pb2.SONG_STATE_RUNNING
        whole = sound(list(stub.Listen(ListenRequest(song_id=song_id), timeout=TIMEOUT_SECONDS)))
        assert held.size_bytes < len(whole) / 4
        assert sound(list(slow)) == whole
