"""Tests of the blocking client: the calls that it retries, and the resumption of a broken stream."""

import time
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo

from melisma.v1.music_pb2 import SongAccepted
from melisma_client import (
    Client,
    Overloaded,
    Retry,
    SongRequest,
    Unavailable,
)
from tests.clients.python.fakes import (
    SONG,
    FakeMusic,
    breaks_after,
    drops_after,
    plays,
    refuses,
    rest_from,
    song_responses,
)
from tests.support.cutting import cutting
from tests.support.servers import free_port

REQUEST = SongRequest(prompt="pop", seed=7)
AT_ONCE = Retry(first_wait_seconds=0)
PERSISTENT = Retry(attempts=1000, first_wait_seconds=0.05, longest_wait_seconds=0.1)
UNAVAILABLE = refuses(grpc.StatusCode.UNAVAILABLE, "draining")


def test_failures_before_the_first_message_are_tried_again(music: FakeMusic, address: str) -> None:
    music.acts = [UNAVAILABLE, UNAVAILABLE, plays(song_responses())]
    with Client(address, retry=AT_ONCE) as client:
        assert b"".join(client.generate(REQUEST).audio()) == SONG
    assert len(music.requests) == 3


def test_tries_come_to_an_end(music: FakeMusic, address: str) -> None:
    music.acts = [UNAVAILABLE]
    with Client(address, retry=Retry(attempts=3, first_wait_seconds=0)) as client, pytest.raises(Unavailable):
        list(client.generate(REQUEST))
    assert len(music.requests) == 3


def test_a_failure_after_the_first_sound_is_final(music: FakeMusic, address: str) -> None:
    music.acts = [breaks_after(song_responses()[:4], grpc.StatusCode.UNAVAILABLE, "worker lost")]
    with Client(address, retry=AT_ONCE) as client, pytest.raises(Unavailable):
        list(client.generate(REQUEST))
    assert len(music.requests) == 1


def test_a_song_that_is_lost_before_its_first_sound_is_asked_for_again(music: FakeMusic, address: str) -> None:
    music.acts = [breaks_after(song_responses()[:3], grpc.StatusCode.UNAVAILABLE, "lost"), plays(song_responses())]
    with Client(address, retry=AT_ONCE) as client:
        song = client.generate(SongRequest(prompt="pop"))
        assert [type(event) for event in song].count(SongAccepted) == 2
    assert [request.seed if request.HasField("seed") else None for request in music.requests] == [None, 7]
    assert song.received.size_bytes == len(SONG)


def test_a_full_server_is_tried_again_when_it_says_so(music: FakeMusic, address: str) -> None:
    advice = RetryInfo(retry_delay=Duration())
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", advice), plays(song_responses())]
    with Client(address, retry=AT_ONCE) as client:
        list(client.generate(REQUEST))
    assert len(music.requests) == 2


def test_a_wait_longer_than_the_deadline_is_not_begun(music: FakeMusic, address: str) -> None:
    advice = RetryInfo(retry_delay=Duration(seconds=3600))
    music.acts = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", advice)]
    with Client(address, retry=AT_ONCE) as client, pytest.raises(Overloaded):
        list(client.generate(REQUEST, timeout_seconds=60))


def test_a_song_goes_on_where_its_connection_broke(music: FakeMusic, address: str, tmp_path: Path) -> None:
    music.acts, music.encores = [drops_after(song_responses()[:4])], [plays(rest_from(1))]
    with Client(address, retry=AT_ONCE) as client:
        events = list(client.generate(REQUEST))
        client.generate(REQUEST).save(tmp_path / "song.mp3")
    assert [type(event) for event in events].count(SongAccepted) == 1
    assert (tmp_path / "song.mp3").read_bytes() == SONG
    assert music.resumptions == [5, 5]


def test_a_balancer_that_leads_nowhere_a_few_times_costs_no_long_silence(music: FakeMusic, address: str) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    ways = iter([nowhere] * 5)
    with cutting(lambda: next(ways, address), lambda: None) as way, Client(way.address, retry=PERSISTENT) as client:
        began = time.monotonic()
        assert client.list_engines()
        # gRPC's own pauses would be 1, 1.6, 2.6, 4.1 and 6.6 s.
        assert time.monotonic() - began < 7.0


def test_a_stream_that_ends_before_the_song_is_gone_on_with(music: FakeMusic, address: str) -> None:
    music.acts, music.encores = [plays(song_responses()[:5])], [plays(rest_from(2))]
    with Client(address, retry=AT_ONCE) as client:
        assert b"".join(client.generate(REQUEST).audio()) == SONG


def test_a_song_is_deleted_although_the_answer_is_lost(music: FakeMusic, address: str) -> None:
    music.lost_answers = 1
    with Client(address, retry=AT_ONCE) as client:
        client.delete_song("song-1")
    assert (music.songs, music.lost_answers) == ([], 0)
