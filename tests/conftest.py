import logging
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from server.garbage import uncollected
from tests.support.requirements import required

# The same examples in every run, however slow: a change is refused for what it did, not for what chance found.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

TESTS = Path(__file__).parent
LONG = (
    "clients/typescript",
    "end_to_end",
    "model/test_engine_suite.py",
    "model/test_engine_controls.py",
    "model/ace_step",
    "benchmarks",
    "clients/examples",
    "model/studio/planning",
    "model/studio/composing",
    "server/audio",
    "server/generation",
    "server/store",
)
"""Folders and files of tests that take many seconds, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Have the report list skipped tests with their reasons if all tests are required to run (CI or REQUIRE)."""
    if required() and "s" not in config.option.reportchars:
        config.option.reportchars += "s"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from scanning the modules that tests import."""
    with uncollected():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests so that long files run first, because a long file at the end would delay the whole run."""
    items.sort(key=lambda item: place_in_run(item.path))


@cache
def place_in_run(path: Path) -> int:
    """Return the rank of a test file in the order of the run: its index in `LONG`, or the length of `LONG` for other
    files.
    """
    return next((place for place, group in enumerate(LONG) if path.is_relative_to(TESTS / group)), len(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that is marked `gpu` if torch finds no GPU."""
    if item.get_closest_marker("gpu") is not None and not has_gpu():
        pytest.skip("no GPU: torch finds no CUDA device")


@cache
def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(autouse=True, scope="session")
def one_thread_under_numpy() -> Iterator[None]:
    """Fixture: limits the BLAS library under numpy to one thread, as in the server; more threads slow down small
    matrices.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Fixture: restores the handlers and level of the root logger after each test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)
