import pickle

import numpy as np
import pytest

from model.song import Violation
from server.workers.messages import Failed, Failure, Fault, Plan, Prepare, Rendered, SectionKey, SongKey, Step
from tests.support.fakes import params

SONG = SongKey("song", 1)
SECTION = SectionKey(SONG, 1)


@pytest.mark.parametrize(
    "message",
    [
        Plan(SONG, "fake", params("happy"), 1, b"saved"),
        Prepare(SECTION),
        Step((SECTION, SectionKey(SongKey("other"), 0))),
        Failed(SONG, Failure(Fault.CALLER, "lyrics: too long", (Violation("lyrics", "too long"),))),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_survive_the_border(message: object) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


def test_a_window_arrives_as_it_was_sent() -> None:
    window = np.arange(12, dtype=np.float32).reshape(2, 6)
    rendered = pickle.loads(pickle.dumps(Rendered(SECTION, window.tobytes(), 6, 12, False, 0.1)))
    np.testing.assert_array_equal(rendered.window, window)
    assert rendered.sound_seconds == 0.5
