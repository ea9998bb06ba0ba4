"""Runs one test for many small cases, and reports all cases that fail."""

import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeAlias

import pytest

Check: TypeAlias = Callable[..., None]


def table(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Check], Check]:
    """Return a decorator that calls a test for every case, like `pytest.mark.parametrize`, but as a single test, which
    is much faster.

    Cases share the test's fixtures, so the test must not change them. All failures are raised together, each with its
    case.
    """
    names = tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names
    rows = [(case,) if len(names) == 1 else tuple(case) for case in cases]
    assert rows, "there is no case"

    def made_of(check: Check) -> Check:
        @functools.wraps(check)
        def test(**fixtures: Any) -> None:
            found = [failure(check, dict(zip(names, row, strict=True)), fixtures) for row in rows]
            if failures := [each for each in found if each is not None]:
                raise BaseExceptionGroup(f"{len(failures)} of {len(rows)} cases fail", failures)

        del test.__wrapped__
        test.__signature__ = without(inspect.signature(check), names)  # type: ignore[attr-defined]
        return test

    return made_of


def failure(check: Check, case: dict[str, Any], fixtures: dict[str, Any]) -> BaseException | None:
    """Run the test for one case; return its error, with the case as a note, or `None` if it passes."""
    try:
        check(**case, **fixtures)
    except (Exception, pytest.fail.Exception, BaseExceptionGroup) as error:  # the last from a table of tables
        error.add_note(f"case: {case}")
        return error
    return None


def without(signature: inspect.Signature, names: Collection[str]) -> inspect.Signature:
    """Return the signature without the parameters `names`; fails if it does not have all of them."""
    assert set(names) <= set(signature.parameters), f"{names} are not all among {list(signature.parameters)}"
    return signature.replace(parameters=[one for name, one in signature.parameters.items() if name not in names])
