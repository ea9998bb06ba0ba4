import pytest

from melisma.v1.music_pb2 import GenerateRequest, ListenRequest
from melisma_client import ConnectionLost, MelismaError, NotFound, NotReady, Retry, Unavailable
from melisma_client.connection import Deadline, RetryBudget
from melisma_client.song_stream import SongStream
from tests.clients.python.fakes import song_responses

LOST = ConnectionLost("the way is broken")


def stream(asked: GenerateRequest | ListenRequest | None = None, attempts: int = 4) -> SongStream:
    return SongStream(asked or GenerateRequest(prompt="x"), RetryBudget(Retry(attempts=attempts), Deadline.after(100)))


def heard(one: SongStream, messages: int) -> None:
    for response in song_responses()[:messages]:
        one.received.take(response)


def test_every_song_has_a_request_id_and_keeps_that_of_its_caller() -> None:
    fresh, given = stream().request, stream(GenerateRequest(request_id="mine")).request
    assert isinstance(fresh, GenerateRequest)
    assert len(fresh.request_id) == 36
    assert given == GenerateRequest(request_id="mine")


def test_a_song_that_was_not_accepted_yet_is_asked_for_in_the_same_words() -> None:
    one = stream()
    before = one.request
    one.wait_seconds(LOST)
    assert one.request == before


@pytest.mark.parametrize(("messages", "size_bytes"), [(1, 0), (4, 5), (5, 11)])
def test_a_song_whose_connection_broke_is_listened_to_from_where_it_was(messages: int, size_bytes: int) -> None:
    one = stream()
    heard(one, messages)
    one.wait_seconds(LOST)
    assert one.request == ListenRequest(song_id="song-1", byte_offset=size_bytes)


@pytest.mark.parametrize("answer", [NotFound("no song"), NotReady("the song is failed")])
def test_a_song_that_is_gone_before_its_first_sound_is_asked_for_again_with_its_seed(answer: MelismaError) -> None:
    one = stream()
    heard(one, 2)
    one.wait_seconds(LOST)
    one.wait_seconds(answer)
    assert isinstance(one.request, GenerateRequest)
    assert (one.request.seed, one.received.accepted) == (7, None)


def test_a_song_that_was_heard_is_looked_for_on_other_servers_and_then_given_up() -> None:
    one = stream(attempts=3)
    heard(one, 4)
    for error in (LOST, NotFound("no song")):
        one.wait_seconds(error)
        assert one.request == ListenRequest(song_id="song-1", byte_offset=5)
    with pytest.raises(ConnectionLost):
        one.wait_seconds(NotFound("no song"))


def test_a_song_that_failed_after_its_first_sound_has_failed() -> None:
    one = stream()
    heard(one, 4)
    with pytest.raises(Unavailable, match="worker lost"):
        one.wait_seconds(Unavailable("worker lost"))


def test_tries_are_counted_anew_whenever_more_has_arrived() -> None:
    one = stream(attempts=2)
    responses = song_responses()
    for response in responses[:5]:
        if one.received.take(response) and response.event.HasField("chunk"):
            one.wait_seconds(LOST)
    with pytest.raises(ConnectionLost):
        one.wait_seconds(LOST)


def test_what_is_only_listened_to_is_never_asked_for() -> None:
    one = stream(ListenRequest(song_id="song-1", byte_offset=5))
    with pytest.raises(NotFound):
        one.wait_seconds(NotFound("no song"))
    one.wait_seconds(LOST)
    assert one.request == ListenRequest(song_id="song-1", byte_offset=5)
