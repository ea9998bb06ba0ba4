from collections.abc import Iterator

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

# The same examples in every run, however slow: a change is refused for what it did, not for what chance found.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def one_thread_under_numpy() -> Iterator[None]:
    """As in the server: a pool of threads under every small matrix product makes it many times dearer."""
    with threadpool_limits(1, user_api="blas"):
        yield
