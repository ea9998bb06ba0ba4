import pytest

from melisma.v1 import music_pb2
from melisma_client import BrokenSong
from melisma_client.receiver import Receiver
from tests.clients.python.fakes import SONG, song_responses, unknown_response


def chunk(sequence: int, offset: int, data: bytes = b"x") -> music_pb2.GenerateResponse:
    sound = music_pb2.AudioChunk(sequence=sequence, byte_offset=offset, data=data)
    return music_pb2.GenerateResponse(event=music_pb2.SongEvent(chunk=sound))


def test_a_whole_song_is_whole() -> None:
    receiver = Receiver()
    for response in song_responses():
        receiver.take(response)
    assert receiver.close().size_bytes == receiver.size_bytes == len(SONG)


@pytest.mark.parametrize("second", [chunk(0, 1), chunk(2, 1), chunk(1, 0), chunk(1, 2)])
def test_a_chunk_that_does_not_follow_breaks_the_song(second: music_pb2.GenerateResponse) -> None:
    receiver = Receiver()
    receiver.take(chunk(0, 0))
    with pytest.raises(BrokenSong):
        receiver.take(second)


def test_changed_bytes_break_the_song() -> None:
    receiver = Receiver()
    *head, end = song_responses()
    head[3].event.chunk.data = b"FIRST"
    for response in head:
        receiver.take(response)
    with pytest.raises(BrokenSong, match="differ from the 16 bytes"):
        receiver.take(end)


def test_an_end_that_never_comes_breaks_the_song() -> None:
    with pytest.raises(BrokenSong, match="without the final event"):
        Receiver().close()


def test_an_event_of_a_newer_server_is_passed_over() -> None:
    assert Receiver().take(music_pb2.GenerateResponse()) is None


def test_an_event_of_a_kind_that_is_not_known_is_passed_over() -> None:
    response = unknown_response()
    assert response.HasField("event")
    assert response.event.ByteSize() > 0
    assert Receiver().take(response) is None


def test_what_comes_once_more_is_told_once() -> None:
    receiver = Receiver()
    told = [receiver.take(response) for response in (*song_responses()[:6], *song_responses()[:3])]
    assert [event is None for event in told] == [False] * 6 + [True, True, False]


def test_a_song_that_is_heard_from_its_middle_begins_there() -> None:
    receiver = Receiver(byte_offset=8)
    receiver.take(chunk(1, 8, b"ond"))
    receiver.take(chunk(2, 11, b"third"))
    finished = receiver.take(song_responses()[-1])
    assert (receiver.size_bytes, finished) == (len(SONG), receiver.close())


def test_a_middle_that_begins_elsewhere_breaks_the_song() -> None:
    with pytest.raises(BrokenSong):
        Receiver(byte_offset=8).take(chunk(1, 5, b"second"))
