"""Tests of unsupported methods, unknown query parameters, and the names of headers in HTTP errors."""

import pytest

from server.api.rest.openapi import document
from tests.support.fake_runner import FakeRunner
from tests.support.rest import MUSIC
from tests.support.rest_edge import ask, rest_edge

ALLOWED = {
    f"{MUSIC}/generate": "POST",
    MUSIC: "GET, HEAD",
    f"{MUSIC}/song-1/events": "GET, HEAD",
    "/audio/song-1.mp3": "GET, HEAD",
    "/v1/engines": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
}


async def test_a_method_that_a_path_lacks_is_refused_with_those_that_it_has() -> None:
    found = {}
    async with rest_edge(FakeRunner()) as rest:
        for path, allowed in ALLOWED.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - set(allowed.split(", ")):
                answer = await ask(rest, method, path)
                kind = answer.headers["content-type"]
                found[method, path] = (answer.status, answer.headers.get("allow"), kind, answer.json["status"])
    wrong = {
        asked: told
        for asked, told in found.items()
        if told != (405, ALLOWED[asked[1]], "application/problem+json", 405)
    }
    assert wrong == {}


async def test_a_parameter_that_would_be_ignored_is_refused_by_its_name() -> None:
    paths = [
        (f"{MUSIC}?limit=2", "limit"),
        (f"{MUSIC}?page_size=1&page_size=2", "page_size"),
        (f"{MUSIC}/song-1?verbose", "verbose"),
        (f"{MUSIC}/song-1/events?from=3", "from"),
        ("/audio/song-1.mp3?byteoffset=3", "byteoffset"),
        ("/v1/engines?name=fake", "name"),
        ("/openapi.json?%F0%9F", "�"),
    ]
    async with rest_edge(FakeRunner()) as rest:
        await ask(rest, "POST", f"{MUSIC}/generate", {"prompt": "pop"})
        answers = [await ask(rest, "GET", path.replace("verbose", "verbose=1")) for path, _ in paths]
    told = [(one.status, [violation["field"] for violation in one.json["violations"]]) for one in answers]
    assert told == [(400, [name]) for _, name in paths]


@pytest.mark.parametrize("path", ["/v1/audio/music/", "/v1/audio/music/generate/", "/nothing"])
async def test_a_path_that_is_not_there_is_a_problem_and_no_redirect(path: str) -> None:
    async with rest_edge(FakeRunner()) as rest:
        answer = await ask(rest, "GET", path)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_range_beyond_the_song_is_told_in_the_words_of_http() -> None:
    async with rest_edge(FakeRunner()) as rest:
        await ask(rest, "POST", f"{MUSIC}/generate", {"prompt": "pop"})
        answer = await ask(rest, "GET", "/audio/song-1.mp3", Range="bytes=9-")
    assert answer.json["detail"].startswith("the first byte of Range 9 is beyond the end")


def test_the_document_describes_the_methods() -> None:
    assert set(document(secured=False)["paths"][f"{MUSIC}/generate"]) == {"post"}
