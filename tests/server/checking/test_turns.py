"""Callers take turns at the checking process."""

import pytest

from server.checking.turns import TooManyWait, Turns


def taken(turns: Turns[int]) -> list[int]:
    numbers = []
    while (one := turns.take()) is not None:
        numbers.append(one[1])
    return numbers


def test_one_caller_s_requests_wait_behind_those_of_others() -> None:
    turns: Turns[int] = Turns(100, 50, 50)
    for number in range(5):
        turns.enter("many", number)
    turns.enter("one", 10)
    turns.enter("two", 20)
    assert taken(turns) == [0, 10, 20, 1, 2, 3, 4]


def test_a_caller_has_only_so_many_in_work_and_goes_on_when_one_is_done() -> None:
    turns: Turns[int] = Turns(100, 50, 2)
    for number in range(4):
        turns.enter("many", number)
    assert taken(turns) == [0, 1]
    turns.done("many")
    assert taken(turns) == [2]
    turns.enter("one", 10)
    assert taken(turns) == [10]


def test_the_queue_is_bounded_for_one_caller_and_in_all() -> None:
    turns: Turns[int] = Turns(3, 2, 1)
    turns.enter("many", 0)
    turns.enter("many", 1)
    with pytest.raises(TooManyWait):
        turns.enter("many", 2)
    turns.enter("one", 3)
    with pytest.raises(TooManyWait):
        turns.enter("two", 4)
    assert turns.take() == ("many", 0)
    turns.enter("two", 4)


def test_a_request_that_left_is_not_taken_and_gives_its_place_back() -> None:
    turns: Turns[int] = Turns(2, 2, 1)
    turns.enter("one", 1)
    turns.enter("two", 2)
    turns.leave("one", 1)
    turns.leave("one", 1)
    turns.enter("three", 3)
    assert turns.take() == ("two", 2)
    turns.leave("two", 2)
    assert turns.take() == ("three", 3)
