"""A server with the real engine, and a browser, for all tests of the page."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.page.browser import Tab, browsing, tab
from tests.page.serving import serving_page


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One browser; each test has a profile of its own in it."""
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="package")
def address(browser: Any) -> Iterator[str]:
    """Where a server with the engine studio is; not started where there is no browser."""
    with serving_page("studio") as found:
        yield found


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Tab]:
    """Fixture: a tab in Chinese on a desktop."""
    with tab(browser, address) as opened:
        yield opened
