"""Tests that the requests of several callers are checked in turn, so that no caller with many requests delays the
others.
"""

import pytest

from server.checking.turns import MOST_DEBTORS, TooManyWait, Turns


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


def test_a_caller_is_charged_for_the_time_of_its_checks() -> None:
    turns: Turns[int] = Turns(100, 50, 1)
    for number in range(3):
        turns.enter("dear", number)
        assert turns.take() == ("dear", number)
        turns.done("dear", 0.9)
    turns.enter("dear", 3)
    turns.enter("cheap", 10)
    turns.enter("cheap", 11)
    assert turns.take() == ("cheap", 10)
    turns.done("cheap", 0.01)
    assert turns.take() == ("cheap", 11)
    turns.done("cheap", 0.01)
    assert turns.take() == ("dear", 3)


def test_a_caller_that_comes_late_has_not_saved_up() -> None:
    turns: Turns[int] = Turns(100, 50, 1)
    for number in range(100):
        turns.enter("early", number % 50)
        turns.take()
        turns.done("early", 1.0)
    turns.enter("early", 1)
    turns.enter("late", 2)
    order = []
    for number in range(6):
        caller, _ = turns.take() or ("", 0)
        order.append(caller)
        turns.done(caller, 0.9)
        turns.enter(caller, 10 + number)
    assert order[0] == "late"
    assert order.count("early") >= 2


def test_callers_that_come_once_are_forgotten() -> None:
    turns: Turns[int] = Turns(100, 50, 1)
    for number in range(MOST_DEBTORS + 500):
        turns.enter(str(number), number)
        turns.take()
        turns.done(str(number), 0.1)
    assert len(turns._charged) <= MOST_DEBTORS
