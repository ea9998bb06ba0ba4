"""Tests of the decorator `table`: a test of many cases reports all cases that fail, and a table without cases is
refused.
"""

import inspect

import pytest

from tests.support.table import table


def test_every_row_of_every_table_is_tried_with_the_fixtures_of_the_test() -> None:
    tried: list[tuple[int, str, str, object]] = []

    @table("number", [1, 2])
    @table("letter, sign", [("a", "+"), ("b", "-")])
    def check(number: int, letter: str, sign: str, fixture: object) -> None:
        tried.append((number, letter, sign, fixture))

    assert list(inspect.signature(check).parameters) == ["fixture"]
    check(fixture=3)
    assert tried == [(1, "a", "+", 3), (1, "b", "-", 3), (2, "a", "+", 3), (2, "b", "-", 3)]


def test_all_that_fail_are_told_with_their_cases() -> None:
    @table("number", [1, 2, 3, 4])
    def even(number: int) -> None:
        assert number % 2 == 0
        if number == 4:
            pytest.fail("four")

    with pytest.raises(BaseExceptionGroup, match="3 of 4 cases fail") as failed:
        even()
    assert [error.__notes__ for error in failed.value.exceptions] == [
        [f"case: {{'number': {number}}}"] for number in (1, 3, 4)
    ]


def test_a_table_of_tables_goes_on_behind_a_table_that_fails() -> None:
    @table("number", [1, 2])
    @table("letter", ["a", "b"])
    def check(number: int, letter: str) -> None:
        if letter == "b":
            pytest.fail("b")

    with pytest.raises(BaseExceptionGroup, match="2 of 2 cases fail"):
        check()


def test_a_name_that_the_test_does_not_take_is_refused() -> None:
    with pytest.raises(AssertionError, match="nummer"):
        table("nummer", [1])(lambda number: None)


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(AssertionError, match="no case"):
        table("number", [])
