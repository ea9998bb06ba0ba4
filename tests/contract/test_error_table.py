"""Tests that the table of outcomes (status and reason for callers) has a row for every class of the server's errors."""

from collections.abc import Iterator

from server.contract.status import OUTCOMES
from server.errors import ServiceError


def tree(root: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for kind in root.__subclasses__():
        if kind.__module__ == ServiceError.__module__:
            yield kind
            yield from tree(kind)


def test_every_error_has_a_row() -> None:
    assert set(tree(ServiceError)) == set(OUTCOMES)


def test_every_error_has_a_reason_of_its_own() -> None:
    reasons = [outcome.reason for outcome in OUTCOMES.values()]
    assert len(set(reasons)) == len(reasons)
