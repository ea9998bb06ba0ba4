import pytest

from model.song import SectionScore
from server.encoders.messages import Encoded
from server.generation.jobs.encoded_stream import EncodedStream, StreamDiffers
from server.song import Chunk, Planned, SectionSent, SongCompleted, SongEvent
from tests.support.fakes import FakeEngine, params

PLANNED = Planned(FakeEngine().plan(params()), 0, 100, sample_count_exact=True)
COMPLETED = SongCompleted(1.0, 100, 8, "", 0.0, 0.0, 0.0, 0.0)


def encoded(*events: SongEvent, digest: bytes = b"") -> Encoded:
    return Encoded("song", events, digest, 0.0, 0.0, 0, 0)


def chunk(sequence: int) -> Chunk:
    return Chunk(sequence, b"data", 0, 0.0, 0.5, 4 * sequence, 0)


def sent(index: int) -> SectionSent:
    return SectionSent(index, 0.0, 1.0, SectionScore())


def begun() -> EncodedStream:
    stream = EncodedStream()
    for events, digest in (((PLANNED,), b""), ((chunk(0), sent(0)), b"one"), ((chunk(1),), b"two")):
        assert stream.new_events(encoded(*events, digest=digest)) == [*events]
    return stream


def test_what_comes_again_after_a_restart_is_left_out() -> None:
    stream = begun()
    stream.restart()
    repeated = [((PLANNED,), b""), ((chunk(0), sent(0)), b"one"), ((chunk(1),), b"two")]
    assert [stream.new_events(encoded(*events, digest=digest)) for events, digest in repeated] == [[], [], []]
    rest = (chunk(2), sent(1), COMPLETED)
    assert stream.new_events(encoded(*rest, digest=b"three")) == [*rest]


def test_other_sound_after_a_restart_is_found_at_the_last_chunk_that_was_heard() -> None:
    stream = begun()
    stream.restart()
    assert stream.new_events(encoded(chunk(0), digest=b"other")) == []
    with pytest.raises(StreamDiffers, match="first 2 chunks differ"):
        stream.new_events(encoded(chunk(1), digest=b"other two"))


def test_a_stream_that_ends_before_what_was_heard_is_another_one() -> None:
    stream = begun()
    stream.restart()
    stream.new_events(encoded(chunk(0), digest=b"one"))
    with pytest.raises(StreamDiffers, match="1 of 2 chunks"):
        stream.new_events(encoded(COMPLETED))
