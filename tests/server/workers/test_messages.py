import pickle

import numpy as np

from model.song import Violation
from server.song import Chunk
from server.workers.messages import (
    Failed,
    Failure,
    Fault,
    Plan,
    Prepare,
    Render,
    Rendered,
    SectionKey,
    SectionStep,
    SongKey,
    Step,
    Stepped,
)
from server.workers.sound.messages import Sound
from tests.support.fakes import params
from tests.support.table import table

SONG = SongKey("song", 1)
SECTION = SectionKey(SONG, 1)


@table(
    "message",
    [
        Plan(SONG, "fake", params("happy"), 1, b"saved"),
        Prepare(SECTION),
        Step((SECTION, SectionKey(SongKey("other"), 0))),
        Render(SECTION),
        Rendered(SECTION, 6, 12, True, 0.1, b"saved"),
        Stepped((SectionStep(SECTION, 1, 2),), (), 0.5, 10, 1),
        Chunk(1, b"sound", 0, 0.5, 0.25, 100, 1152),
        Failed(SONG, Failure(Fault.CALLER, "lyrics: too long", (Violation("lyrics", "too long"),))),
    ],
)
def test_messages_survive_the_border(message: object) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


def test_a_window_arrives_as_it_was_sent() -> None:
    window = np.arange(12, dtype=np.float32).reshape(2, 6)
    sound = pickle.loads(pickle.dumps(Sound(SECTION, window.tobytes(), 6)))
    np.testing.assert_array_equal(sound.window, window)


def test_the_length_of_a_window_is_told_in_seconds() -> None:
    assert Rendered(SECTION, 6, 12, False, 0.1).sound_seconds == 0.5
