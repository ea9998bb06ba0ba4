from dataclasses import replace
from itertools import pairwise

import pytest

from server.errors import UnknownEngine
from server.songs.engine_catalog import EngineCatalog
from server.store.whole_service import ServedEngine
from tests.support.fake_runner import FAKE_INFO, FakeRunner

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


def served(*names: str) -> dict[str, ServedEngine]:
    return {name: ServedEngine(replace(FAKE_INFO, name=name), ("cpu", "cuda:0"), 4) for name in names}


@pytest.mark.parametrize(
    ("announced", "names"),
    [
        ((), ["first", "second"]),
        (("second", "first"), ["first", "second"]),
        (("second",), ["second", "first"]),
        (("other", "another"), ["another", "first", "second", "other"]),
    ],
)
async def test_the_default_comes_first_and_is_served_somewhere(announced: tuple[str, ...], names: list[str]) -> None:
    catalog = EngineCatalog(FakeRunner(info=None), ("first", "second"), lambda: served(*announced))
    assert [engine.name for engine in catalog.page().engines] == names
    assert catalog.default == names[0]
    assert set(catalog.infos()) == set(announced)


async def test_an_engine_of_other_replicas_is_told_with_all_its_devices() -> None:
    catalog = EngineCatalog(FakeRunner(info=None), ("first",), lambda: served("other"))
    engine = catalog.get("other")
    assert (engine.ready, list(engine.devices), engine.license) == (True, ["cpu", "cuda:0"], FAKE_INFO.license)
    assert not catalog.get("first").ready
    with pytest.raises(UnknownEngine, match="use one of other, first"):
        catalog.get("absent")
