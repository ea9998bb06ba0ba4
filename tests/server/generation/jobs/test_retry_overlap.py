import numpy as np

from server.generation.jobs.retry_overlap import OverlapTrimmer
from server.workers.messages import Rendered, SectionKey, SongKey


def window(values: list[int], attempt: int = 0, index: int = 0) -> Rendered:
    pcm = np.array([values], np.float32).tobytes()
    return Rendered(SectionKey(SongKey("a", attempt), index), pcm, len(values), 1, False, 0.0)


def test_a_second_attempt_brings_only_what_the_first_did_not() -> None:
    overlap = OverlapTrimmer()
    arrived = [window([1, 2]), window([3]), window([1, 2], 1), window([3, 4], 1), window([5], 1), window([6], 1, 1)]
    new = [overlap.trim(one)[0].tolist() for one in arrived]
    assert new == [[1, 2], [3], [], [4], [5], [6]]


def test_a_third_attempt_that_follows_a_shorter_second_repeats_nothing() -> None:
    overlap = OverlapTrimmer()
    arrived = [window([1, 2, 3]), window([1], 1), window([1, 2], 2), window([3, 4], 2)]
    assert [overlap.trim(one)[0].tolist() for one in arrived] == [[1, 2, 3], [], [], [4]]
