import pytest

from server.encoders.section_positions import SectionPositions
from server.workers.messages import SectionKey, SongKey


def section(attempt: int = 0, index: int = 0) -> SectionKey:
    return SectionKey(SongKey("a", attempt), index)


def test_a_second_attempt_brings_only_what_the_first_did_not() -> None:
    positions = SectionPositions()
    new = [
        positions.new_samples(section(attempt), count) for attempt, count in [(0, 2), (0, 1), (1, 2), (1, 2), (1, 1)]
    ]
    assert new == [2, 1, 0, 1, 1]
    assert [positions.end(section(1)), positions.end(section(1))] == [True, False]
    assert positions.new_samples(section(1, index=1), 3) == 3


def test_a_third_attempt_that_follows_a_shorter_second_repeats_nothing() -> None:
    positions = SectionPositions()
    new = [positions.new_samples(section(attempt), count) for attempt, count in [(0, 3), (1, 1), (2, 2), (2, 2)]]
    assert new == [3, 0, 0, 1]


def test_attempts_whose_sound_comes_in_turns_repeat_nothing() -> None:
    positions = SectionPositions()
    new = [
        positions.new_samples(section(attempt), count) for attempt, count in [(0, 2), (1, 2), (0, 2), (1, 2), (1, 2)]
    ]
    assert new == [2, 0, 2, 0, 2]


def test_what_comes_of_a_section_after_its_end_is_nothing_new() -> None:
    positions = SectionPositions()
    assert positions.end(section())
    assert (positions.new_samples(section(1), 5), positions.section) == (0, 1)


def test_a_section_cannot_come_before_the_end_of_the_one_before() -> None:
    with pytest.raises(RuntimeError, match="section 1 arrived before the end of section 0"):
        SectionPositions().new_samples(section(index=1), 1)
