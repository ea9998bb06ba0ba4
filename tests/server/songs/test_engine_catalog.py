from itertools import pairwise

import pytest

from server.songs.engine_catalog import EngineCatalog
from tests.support.fake_runner import FakeRunner

NAMES = tuple(f"engine_{number}" for number in range(450))


async def test_all_engines_are_one_page_unless_they_are_very_many() -> None:
    page = EngineCatalog(FakeRunner(), NAMES[:200]).page()
    assert ([engine.name for engine in page.engines], page.next_page_token) == (list(NAMES[:200]), "")


@pytest.mark.parametrize(("asked", "sizes"), [(0, [200, 200, 50]), (500, [200, 200, 50]), (150, [150, 150, 150])])
async def test_pages_of_engines_follow_each_other(asked: int, sizes: list[int]) -> None:
    catalog = EngineCatalog(FakeRunner(), NAMES)
    pages = [catalog.page(asked)]
    while token := pages[-1].next_page_token:
        pages.append(catalog.page(asked, token))
    assert [len(page.engines) for page in pages] == sizes
    assert [engine.name for page in pages for engine in page.engines] == list(NAMES)
    assert all(one.next_page_token != other.next_page_token for one, other in pairwise(pages))
