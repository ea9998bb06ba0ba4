import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry, Counter

from server.api.http.server import serving_http
from tests.support.http_app import build_http


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


def get(url: str, accept: str = "*/*") -> Answer:
    """Send one GET request, and return its response with any status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=10) as response:
            return Answer(response.status, dict(response.headers.items()), response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers.items()), error.read().decode())


@asynccontextmanager
async def http(readiness_problem: str | None = None, unkept: str | None = None) -> AsyncIterator[str]:
    """Context manager with the root URL of a running HTTP server that has metrics and probes. `readiness_problem` is
    the reason for which it is not ready, `unkept` the reason for which it cannot store songs; `None` if there is none.
    """
    registry = CollectorRegistry()
    Counter("melisma_songs", "Songs", registry=registry).inc(3)
    async with serving_http(
        build_http(registry, readiness_problem=lambda: readiness_problem, unkept=lambda: unkept), "127.0.0.1", 0
    ) as address:
        yield f"http://{address}"


async def test_prometheus_reads_its_text_format() -> None:
    async with http() as root:
        answer = await asyncio.to_thread(get, f"{root}/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "melisma_songs_total 3.0\n" in answer.text


async def test_who_accepts_openmetrics_gets_it() -> None:
    async with http() as root:
        answer = await asyncio.to_thread(get, f"{root}/metrics", "application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("readiness_problem", "unkept", "status", "text"),
    [
        (None, None, 200, "ready\n"),
        (None, "the disk is full", 200, "ready\nthe store cannot store songs now: the disk is full\n"),
        ("no engine is ready", None, 503, "no engine is ready\n"),
        ("no engine is ready", "the disk is full", 503, "no engine is ready\n"),
    ],
)
async def test_readyz_says_why_not(readiness_problem: str | None, unkept: str | None, status: int, text: str) -> None:
    async with http(readiness_problem, unkept) as root:
        answer = await asyncio.to_thread(get, f"{root}/readyz")
    assert (answer.status, answer.text) == (status, text)


async def test_livez_answers_even_when_no_songs_can_be_made() -> None:
    async with http(readiness_problem="no engine is ready") as root:
        answer = await asyncio.to_thread(get, f"{root}/livez")
    assert answer.status == 200


async def test_livez_says_what_is_beyond_repair() -> None:
    app = build_http(
        CollectorRegistry(), readiness_problem=lambda: None, liveness_problem=lambda: "no worker process can be started"
    )
    async with serving_http(app, "127.0.0.1", 0) as address:
        answer = await asyncio.to_thread(get, f"http://{address}/livez")
    assert (answer.status, answer.text) == (503, "no worker process can be started\n")


async def test_version_tells_what_runs() -> None:
    app = build_http(CollectorRegistry(), readiness_problem=lambda: None, version={"version": "1.2.3"})
    async with serving_http(app, "127.0.0.1", 0) as address:
        answer = await asyncio.to_thread(get, f"http://{address}/version")
    assert (answer.status, json.loads(answer.text)) == (200, {"version": "1.2.3"})


async def test_an_unknown_path_is_not_found() -> None:
    async with http() as root:
        answer = await asyncio.to_thread(get, f"{root}/")
    assert answer.status == 404


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 503, "the queue is nearly full\n"),
        ("?full=ok", 200, "ready\n"),
        ("?full=no", 400, "the only parameter of /readyz is full=ok: with it a queue that is nearly full is ready\n"),
        (
            "?full=ok&full=ok",
            400,
            "the only parameter of /readyz is full=ok: with it a queue that is nearly full is ready\n",
        ),
    ],
)
async def test_a_full_queue_is_no_reason_where_the_balancer_looks_at_load(query: str, status: int, text: str) -> None:
    app = build_http(
        CollectorRegistry(), readiness_problem=lambda: "the queue is nearly full", problem_though_full=lambda: None
    )
    async with serving_http(app, "127.0.0.1", 0) as address:
        answer = await asyncio.to_thread(get, f"http://{address}/readyz{query}")
    assert (answer.status, answer.text) == (status, text)
