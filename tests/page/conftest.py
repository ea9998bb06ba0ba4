"""Fixtures: a server with the studio engine and a browser, for all tests of the page."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.page.browser import Tab, browsing, tab
from tests.page.serving import serving_page


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Fixture: one running browser, in which each test uses its own profile."""
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="package")
def address(browser: Any) -> Iterator[str]:
    """Fixture: the HTTP address of a server with the engine studio; it starts only if there is a browser."""
    with serving_page("studio") as found:
        yield found


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Tab]:
    """Fixture: a tab with the page in Chinese, in the size of a desktop."""
    with tab(browser, address) as opened:
        yield opened
