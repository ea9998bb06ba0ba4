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
"""Files that take many seconds, or have neighbours that do, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Where tests have to run, the report names those that were left out all the same, as without a GPU, and why."""
    if required() and "s" not in config.option.reportchars:
        config.option.reportchars += "s"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Yield the modules that tests import stay to the end, and no collection of garbage looks through them."""
    with uncollected():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files: a process that takes one up as the last keeps the others waiting for it."""
    items.sort(key=lambda item: place_in_run(item.path))


@cache
def place_in_run(path: Path) -> int:
    """Return the place of a file's group in a run; those that are not `LONG` come last, in the order that they have."""
    return next((place for place, group in enumerate(LONG) if path.is_relative_to(TESTS / group)), len(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") is not None and not has_gpu():
        pytest.skip("no GPU: torch finds no CUDA device")


@cache
def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(autouse=True, scope="session")
def one_thread_under_numpy() -> Iterator[None]:
    """As in the server: a pool of threads under every small matrix product makes it many times dearer."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Parts of a server that run in the test's own process set up its logs, which must not reach the next test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)
