from dataclasses import replace
from pathlib import Path
from uuid import UUID

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import SongFinished
from melisma_client import (
    AsyncClient,
    BrokenSong,
    Cancelled,
    Client,
    DeadlineExceeded,
    Failure,
    NotEnded,
    NotFound,
    Retry,
    ServerFault,
    SongRequest,
    Unavailable,
    failure_of,
)
from tests.clients.python.fakes import (
    CHUNKS,
    SONG,
    FakeMusic,
    breaks_after,
    plays,
    rest_from,
    song_responses,
    unknown_response,
)

REQUEST = SongRequest(prompt="pop", seed=7)


def test_events_come_in_order_and_end_with_finished(address: str) -> None:
    with Client(address) as client:
        *_, last = events = list(client.generate(REQUEST))
    assert len(events) == len(song_responses())
    assert isinstance(last, SongFinished)


def test_an_event_of_a_newer_server_does_not_break_the_song(music: FakeMusic, address: str) -> None:
    known = song_responses()
    with Client(address) as client:
        events = list(client.generate(REQUEST))
        for place in range(len(known) + 1):
            music.acts = [plays([*known[:place], unknown_response(), *known[place:]])]
            song = client.generate(REQUEST)
            assert list(song) == events
            assert song.received.close().size_bytes == len(SONG)


def test_the_request_arrives_as_it_was_asked(music: FakeMusic, address: str) -> None:
    with Client(address) as client:
        list(client.generate(REQUEST))
    (request,) = music.requests
    assert str(UUID(request.request_id)) == request.request_id
    assert request == replace(REQUEST, request_id=request.request_id).to_proto()


def test_the_caller_is_named_where_there_is_a_name(music: FakeMusic, address: str) -> None:
    with Client(address, caller="radio") as named, Client(address) as nameless:
        list(named.generate(REQUEST))
        list(nameless.generate(REQUEST))
    assert music.callers == ["radio", None]


@pytest.mark.parametrize("caller", ["电台", "a\nb"])
def test_a_name_that_metadata_cannot_carry_is_refused(caller: str, address: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        Client(address, caller=caller)


def test_audio_is_the_song_chunk_by_chunk(address: str) -> None:
    with Client(address) as client:
        assert tuple(client.generate(REQUEST).audio()) == CHUNKS


def test_save_writes_the_whole_song(address: str, tmp_path: Path) -> None:
    with Client(address) as client:
        finished = client.generate(REQUEST).save(tmp_path / "song.mp3")
    assert (tmp_path / "song.mp3").read_bytes() == SONG
    assert finished.size_bytes == len(SONG)


def test_a_song_that_breaks_off_is_kept_as_a_part(music: FakeMusic, address: str, tmp_path: Path) -> None:
    music.acts = [breaks_after(song_responses()[:5], grpc.StatusCode.INTERNAL, "bug")]
    with Client(address) as client, pytest.raises(ServerFault):
        client.generate(REQUEST).save(tmp_path / "song.mp3")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"song.mp3.part": b"firstsecond"}


def test_a_stream_without_an_end_is_broken(music: FakeMusic, address: str) -> None:
    music.acts = [plays(song_responses()[:-1])]
    with Client(address) as client, pytest.raises(BrokenSong):
        list(client.generate(REQUEST))


def test_a_deadline_that_passes_is_told(music: FakeMusic, address: str) -> None:
    music.acts = [music.waits_after(song_responses()[:1])]
    with Client(address) as client, pytest.raises(DeadlineExceeded):
        list(client.generate(REQUEST, timeout_seconds=0.2))


def test_leaving_a_song_early_ends_it_on_the_server(music: FakeMusic, address: str) -> None:
    music.acts = [music.waits_after(song_responses()[:4])]
    with Client(address) as client:
        with client.generate(REQUEST) as song:
            next(song.audio())
        assert music.left.wait(10)


def test_a_cancelled_song_says_so_to_whoever_waits(music: FakeMusic, address: str) -> None:
    music.acts = [music.waits_after(song_responses()[:4])]
    with Client(address) as client:
        song = client.generate(REQUEST)
        events = iter(song)
        next(events)
        song.cancel()
        with pytest.raises(Cancelled):
            list(events)


def test_engines_can_be_listed_and_looked_up(address: str) -> None:
    with Client(address) as client:
        assert client.list_engines() == (client.get_engine("studio"),)


def test_engines_are_read_page_by_page(music: FakeMusic, address: str) -> None:
    music.engines = [music_pb2.Engine(name=f"engine_{number}") for number in range(5)]
    with Client(address) as client:
        assert client.list_engines() == tuple(music.engines)


def test_an_unknown_engine_is_not_found(address: str) -> None:
    with Client(address) as client, pytest.raises(NotFound, match="nothing"):
        client.get_engine("nothing")


def test_an_address_where_nobody_answers_is_unavailable() -> None:
    with Client("127.0.0.1:1", retry=Retry(attempts=1)) as client, pytest.raises(Unavailable):
        client.list_engines()


def test_a_song_can_be_listened_to_from_a_byte_on(music: FakeMusic, address: str) -> None:
    music.encores = [plays(rest_from(1))]
    with Client(address) as client:
        assert b"".join(client.listen("song-1", 5).audio()) == SONG[5:]
    assert (music.resumptions, music.cancelled) == ([5], [])


def test_only_who_asked_for_a_song_ends_it_by_leaving(music: FakeMusic, address: str) -> None:
    music.acts, music.encores = [music.waits_after(song_responses()[:4])], [plays(song_responses())]
    with Client(address) as client:
        with client.listen("song-1") as heard:
            next(heard.audio())
        assert music.cancelled == []
        with client.generate(REQUEST) as asked:
            next(asked.audio())
        assert music.cancelled == ["song-1"]


def test_a_song_that_has_failed_says_why(music: FakeMusic, address: str) -> None:
    details = any_pb2.Any()
    details.Pack(ErrorInfo(reason="WORKER_LOST", domain="melisma.v1"))
    failed = Status(code=14, message="its worker died", details=[details])
    bare = Status(code=2, message="nobody knows")
    music.songs = [music_pb2.Song(song_id=f"song-{n}", failure=each) for n, each in enumerate((failed, bare, None))]
    with Client(address) as client:
        assert failure_of(client.get_song("song-0")) == Failure("WORKER_LOST", "its worker died")
        assert failure_of(client.get_song("song-1")) == Failure("", "nobody knows")
        assert failure_of(client.get_song("song-2")) is None


def test_songs_can_be_looked_up_listed_and_cancelled(music: FakeMusic, address: str) -> None:
    music.songs = [music_pb2.Song(song_id=f"song-{number}") for number in range(5)]
    with Client(address) as client:
        assert client.get_song("song-3").song_id == "song-3"
        assert [len(client.list_songs(limit)) for limit in (1, 3, 50)] == [1, 3, 5]
        assert client.cancel_song("song-2").song_id == "song-2"
        with pytest.raises(NotFound):
            client.get_song("song-9")


def test_what_is_not_given_comes_from_the_environment(
    music: FakeMusic, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELISMA_SERVER", address)
    monkeypatch.setenv("MELISMA_API_KEY", "secret")
    monkeypatch.setenv("MELISMA_CALLER", "radio")
    with Client() as client:
        list(client.generate(REQUEST))
    assert (music.callers[-1], music.keys[-1]) == ("radio", "Bearer secret")
    with Client(address, api_key="", caller="") as client:
        list(client.generate(REQUEST))
    assert (music.callers[-1], music.keys[-1]) == (None, None)


async def test_the_asynchronous_client_reads_the_environment_too(
    music: FakeMusic, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELISMA_SERVER", address)
    monkeypatch.setenv("MELISMA_API_KEY", "secret")
    async with AsyncClient() as client, client.generate(REQUEST) as song:
        assert [event async for event in song]
    assert music.keys[-1] == "Bearer secret"


def test_a_song_that_has_ended_is_deleted(music: FakeMusic, address: str) -> None:
    states = (music_pb2.SONG_STATE_COMPLETED, music_pb2.SONG_STATE_RUNNING)
    music.songs = [music_pb2.Song(song_id=f"song-{number}", state=state) for number, state in enumerate(states)]
    with Client(address) as client:
        client.delete_song("song-0")
        with pytest.raises(NotFound):
            client.delete_song("song-0")
        with pytest.raises(NotEnded):
            client.delete_song("song-1")
    assert [song.song_id for song in music.songs] == ["song-1"]
