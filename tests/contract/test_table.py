"""A table of cases fails with all that fail, and no test of no case passes unseen."""

import pytest

from tests.support.table import table


@table("number", [1, 2, 3])
@table("letter, sign", [("a", "+"), ("b", "-")])
def test_every_row_of_every_table_is_tried(number: int, letter: str, sign: str, request: pytest.FixtureRequest) -> None:
    tried.append((number, letter, sign, request.node.name))


tried: list[tuple[int, str, str, str]] = []


def test_rows_have_been_tried_in_order_with_the_fixtures_of_the_test() -> None:
    rows = [(number, letter, sign) for number in (1, 2, 3) for letter, sign in (("a", "+"), ("b", "-"))]
    assert tried == [(*row, "test_every_row_of_every_table_is_tried") for row in rows]


def test_all_that_fail_are_told_with_their_cases() -> None:
    @table("number", [1, 2, 3, 4])
    def even(number: int) -> None:
        assert number % 2 == 0
        if number == 4:
            with pytest.raises(KeyError):
                print()  # noqa: T201

    with pytest.raises(BaseExceptionGroup, match="3 of 4 cases fail") as failed:
        even()
    assert [error.__notes__ for error in failed.value.exceptions] == [
        [f"case: {{'number': {number}}}"] for number in (1, 3, 4)
    ]


def test_a_name_that_the_test_does_not_take_is_refused() -> None:
    with pytest.raises(AssertionError, match="nummer"):
        table("nummer", [1])(lambda number: None)


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(AssertionError, match="no case"):
        table("number", [])
