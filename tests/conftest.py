from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread_under_numpy() -> Iterator[None]:
    """As in the server: a pool of threads under every small matrix product makes it many times dearer."""
    with threadpool_limits(1, user_api="blas"):
        yield
