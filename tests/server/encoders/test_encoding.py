"""Tests of the batches in which an encoder's thread sends chunks and other events back to the server."""

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from model.song import SectionScore, Window
from server.encoders.encoding import EncodingLoop
from server.encoders.messages import Encoded, EncoderPing, EncoderPong, EncodingFailed, FromEncoder
from server.encoders.song_queues import SongQueues
from server.song import AudioSettings, Chunk, Origin
from server.workers.messages import SectionKey, SongKey
from server.workers.sound.messages import OpenSong, Sound, pcm_of
from tests.support.fakes import RATE_HERTZ, FakeEncoder, FakeEngine, params


class SlowEncoder(FakeEncoder):
    """An encoder that takes longer for a window of sound than the time for which the thread collects events into one
    batch.
    """

    def feed(self, window: Window) -> bytes:
        time.sleep(0.03)
        return super().feed(window)


class Desk:
    """An encoder's thread, with its queue and a simulated clock, which advances by `piece_seconds` whenever the thread
    reads it; `sent` has the batches that it has sent.
    """

    def __init__(self, piece_seconds: float = 0.008, encoder: type[FakeEncoder] = FakeEncoder) -> None:
        self.queues, self.sent = SongQueues(), list[Sequence[FromEncoder]]()
        self._piece_seconds, self._now = piece_seconds, 0.0
        self._loop = EncodingLoop(self.queues, encoder, self.sent.append, clock=self._clock)

    def put(self, song_id: str, windows: int, channels: int = 2) -> None:
        """Add to the queue the message that opens a song, and `windows` windows of one second of silence with
        `channels` channels; the first window is split into two parts, which are encoded one after the other.
        """
        song, plan = SongKey(song_id), FakeEngine().plan(params(duration_seconds=200.0))
        self.queues.put(OpenSong(song, AudioSettings(), "", "", plan, RATE_HERTZ, Origin("0f")))
        window = pcm_of(np.zeros((channels, RATE_HERTZ), np.float32))
        for number in range(windows):
            score = None if number else SectionScore()
            self.queues.put(Sound(SectionKey(song, 0), window, RATE_HERTZ, score=score))

    def groups(self, messages: int) -> list[int]:
        """Run the thread until it has sent `messages` events, and return the number of events in each batch."""
        thread = threading.Thread(target=self._loop.run)
        thread.start()
        ends_at = time.monotonic() + 10.0
        while sum(map(len, self.sent)) < messages and time.monotonic() < ends_at:
            time.sleep(0.001)
        self.queues.stop()
        thread.join()
        return [*map(len, self.sent)]

    def _clock(self) -> float:
        self._now += self._piece_seconds
        return self._now


@pytest.mark.parametrize(("piece_seconds", "gathered"), [(0.008, [4, 3]), (0.015, [3, 3, 1]), (0.05, [2, 2, 2, 1])])
def test_chunks_from_the_middle_of_a_song_are_sent_together_while_more_work_waits(
    piece_seconds: float, gathered: list[int]
) -> None:
    desk = Desk(piece_seconds)
    desk.put("a", 14)
    assert desk.groups(16) == [1] * 9 + gathered
    told = [one for messages in desk.sent for one in messages if isinstance(one, Encoded)]
    chunks = [event for message in told for event in message.events if isinstance(event, Chunk)]
    assert [chunk.sequence for chunk in chunks] == [*range(15)]


def test_nothing_waits_where_a_piece_takes_long() -> None:
    desk = Desk(encoder=SlowEncoder)
    desk.put("a", 11)
    assert desk.groups(13) == [1] * 13


def test_the_beginnings_and_failures_of_songs_and_answers_take_along_what_waits() -> None:
    desk = Desk(piece_seconds=0.0)
    desk.put("a", 30)
    desk.queues.order(EncoderPing())
    assert desk.groups(33)[-1] == 31 - 8
    beginning = Desk(piece_seconds=0.0)
    beginning.put("a", 30)
    beginning.put("b", 11)
    beginning.put("mono", 1, channels=1)
    beginning.groups(32 + 13 + 2)
    assert list(desk.sent[0]) == [EncoderPong()]
    assert any(isinstance(messages[-1], EncodingFailed) for messages in beginning.sent)
    for messages in beginning.sent:
        assert all(not isinstance(message, EncodingFailed) for message in messages[:-1])
