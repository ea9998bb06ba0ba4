import numpy as np

from server.generation.playback import Playback, Received
from server.workers.messages import Rendered, SectionKey, SongKey


def window(values: list[int], attempt: int = 0, index: int = 0) -> Rendered:
    pcm = np.array([values], np.float32).tobytes()
    return Rendered(SectionKey(SongKey("a", attempt), index), pcm, len(values), 1, False, 0.0)


def test_a_listener_starves_from_the_end_of_his_sound_until_the_next() -> None:
    playback = Playback()
    for now, seconds in [(10.0, 2.0), (11.0, 2.0), (15.0, 1.0), (15.5, 1.0), (17.5, 1.0)]:
        playback.add(now, seconds)
    assert playback.underrun_seconds == 1.0 + 0.5


def test_a_second_attempt_brings_only_what_the_first_did_not() -> None:
    received = Received()
    arrived = [window([1, 2]), window([3]), window([1, 2], 1), window([3, 4], 1), window([5], 1), window([6], 1, 1)]
    new = [received.new_part(one)[0].tolist() for one in arrived]
    assert new == [[1, 2], [3], [], [4], [5], [6]]


def test_a_third_attempt_that_follows_a_shorter_second_repeats_nothing() -> None:
    received = Received()
    arrived = [window([1, 2, 3]), window([1], 1), window([1, 2], 2), window([3, 4], 2)]
    assert [received.new_part(one)[0].tolist() for one in arrived] == [[1, 2, 3], [], [], [4]]
