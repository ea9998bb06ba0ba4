import pytest

from server.scheduling.batching import BatchCapacity, StepLoad, batch


def load(cost: int = 10, length: int = 10, group: str = "", has_slack: bool = False) -> StepLoad:
    return StepLoad(cost, length, ("fake", group), has_slack)


def test_a_batch_takes_in_rank_what_budget_and_number_allow() -> None:
    loads = [load(), load(cost=40, length=20), load(), load()]
    assert batch(loads, max_tokens=30, max_sections=9) == [0, 2, 3]
    assert batch(loads, max_tokens=1000, max_sections=2) == [0, 1]


def test_the_first_goes_alone_when_it_exceeds_the_budget() -> None:
    assert batch([load(cost=100), load()], max_tokens=50, max_sections=9) == [0]


def test_padding_counts_and_lengths_far_apart_do_not_mix() -> None:
    loads = [load(cost=10, length=10), load(cost=21, length=21), load(cost=20, length=20)]
    assert batch(loads, max_tokens=1000, max_sections=9) == [0, 2]
    assert batch(loads, max_tokens=35, max_sections=9) == [0]


def test_groups_do_not_mix() -> None:
    assert batch([load(), load(group="x"), load()], max_tokens=100, max_sections=9) == [0, 2]


@pytest.mark.parametrize(("slope", "expected"), [(0.0, [0, 1]), (1.0, [0])])
def test_a_comfortable_song_rides_with_a_hurried_one_only_for_free(slope: float, expected: list[int]) -> None:
    loads = [load(), load(has_slack=True)]
    assert batch(loads, max_tokens=100, max_sections=9, step_seconds=lambda t: 1.0 + slope * t) == expected
    assert batch(loads, max_tokens=100, max_sections=9) == [0]


def test_comfortable_songs_batch_among_themselves() -> None:
    loads = [load(has_slack=True), load(has_slack=True)]
    assert batch(loads, max_tokens=100, max_sections=9) == [0, 1]


def test_a_batch_that_did_not_fit_bounds_the_next_ones() -> None:
    capacity = BatchCapacity(4)
    capacity.learn(4, fits=2)
    assert capacity.sections == 2
    capacity.learn(2, fits=0)
    assert capacity.sections == 1


def test_after_a_hundred_full_batches_one_more_section_is_tried_up_to_the_limit() -> None:
    capacity = BatchCapacity(3)
    capacity.learn(3, fits=2)
    sections = []
    for _ in range(4):
        for _ in range(50):
            capacity.learn(1, fits=None)
            capacity.learn(3, fits=None)
        sections.append(capacity.sections)
    assert sections == [2, 3, 3, 3]
