import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from server.api.http.preview_page import FOLDER, MEDIA_TYPES, page_routes
from server.api.http.server import serving_http
from tests.support.http_app import build_http
from tests.support.rest import Answer, Rest
from tests.support.service import running_service

FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.name != "index.html")


@asynccontextmanager
async def previewing() -> AsyncIterator[Rest]:
    """Context manager with a client of an HTTP server that has only the preview page, metrics and probes."""
    app = build_http(CollectorRegistry(), readiness_problem=lambda: None, more=page_routes())
    async with serving_http(app, "127.0.0.1", 0) as address:
        yield Rest(address, {})


async def ask(path: str, **headers: str) -> Answer:
    async with previewing() as rest:
        return await asyncio.to_thread(rest.ask, "GET", path, **headers)


async def test_the_page_is_at_the_root() -> None:
    answer = await ask("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.data == (FOLDER / "index.html").read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_every_file_of_the_page_is_served_as_what_it_is(path: Path) -> None:
    answer = await ask(f"/page/{path.relative_to(FOLDER).as_posix()}")
    assert answer.data == path.read_bytes()
    assert answer.headers["content-type"] == MEDIA_TYPES[path.suffix]


@pytest.mark.parametrize("path", ["/page/", "/page/text/", "/page/nothing.js", "/page/..%2fapp.py", "/index.html"])
async def test_nothing_else_is_served(path: str) -> None:
    assert (await ask(path)).status == 404


async def test_nothing_foreign_gets_in() -> None:
    answer = await ask("/")
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_page_names_no_other_host() -> None:
    for path in FILES:
        addresses = re.findall(r"https?://[^\s\"')]+", path.read_text("utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, path


async def test_text_is_compressed_for_who_takes_it() -> None:
    plain, packed = await ask("/page/main.js"), await ask("/page/main.js", Accept_Encoding="gzip, br")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_who_has_a_file_gets_no_second_one(encoding: str) -> None:
    first = await ask("/", Accept_Encoding=encoding)
    second = await ask("/", Accept_Encoding=encoding, If_None_Match=first.headers["etag"])
    other = await ask("/", Accept_Encoding=encoding, If_None_Match='"another"')
    assert (second.status, second.data) == (304, b"")
    assert other.status == 200


@pytest.mark.parametrize(("setting", "value"), [("PAGE", "false"), ("REST__ENABLED", "false")])
def test_a_server_can_do_without_the_page(setting: str, value: str) -> None:
    with running_service("fake=tests.support.fakes:FakeEngine", **{setting: value}) as service:
        assert Rest(service.http_address, {}).ask("GET", "/").status == 404


def test_a_server_has_the_page() -> None:
    with running_service("fake=tests.support.fakes:FakeEngine") as service:
        assert b"<title>Melisma</title>" in Rest(service.http_address, {}).ask("GET", "/").data
