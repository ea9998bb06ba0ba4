"""Tests of the address in the URLs of responses: from the setting, from trusted proxies, or from the request."""

import logging
from ipaddress import ip_network

import pytest
from starlette.requests import Request

from server.api.proxies import TrustedProxies
from server.api.rest.public_address import REQUESTED_ADDRESS, PublicAddress
from tests.support.fake_runner import FakeRunner
from tests.support.rest import MUSIC
from tests.support.rest_edge import ask, rest_edge
from tests.support.table import table

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "music.example", "X-Forwarded-Prefix": "/api"}
BELIEVING = PublicAddress(proxies=TrustedProxies([ip_network("127.0.0.1")]))


def request(peer: str = "127.0.0.1", **headers: str) -> Request:
    given = {"Host": "inside:8080", **headers}
    lines = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "scheme": "http", "server": ("here", 80), "path": "/v1", "query_string": b""}
    return Request({**scope, "headers": lines, "client": (peer, 4711)})


@table(
    ("address", "peer", "headers", "url"),
    [
        (REQUESTED_ADDRESS, "127.0.0.1", {}, "http://inside:8080"),
        (REQUESTED_ADDRESS, "127.0.0.1", FORWARDED, "http://inside:8080"),
        (BELIEVING, "127.0.0.1", FORWARDED, "https://music.example/api"),
        (BELIEVING, "127.0.0.2", FORWARDED, "http://inside:8080"),
        (BELIEVING, "127.0.0.1", {"X-Forwarded-Proto": "https"}, "https://inside:8080"),
        (PublicAddress("https://set.example/x"), "127.0.0.1", FORWARDED, "https://set.example/x"),
    ],
)
def test_the_address(address: PublicAddress, peer: str, headers: dict[str, str], url: str) -> None:
    assert address.of(request(peer, **headers)) == url


@pytest.mark.parametrize("believed", [True, False])
async def test_answers_and_the_log_go_by_the_headers_of_trusted_proxies_alone(
    believed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    headers = {name.replace("-", "_"): value for name, value in FORWARDED.items()} | {"X_Forwarded_For": "192.0.2.7"}
    async with rest_edge(FakeRunner(), BELIEVING if believed else REQUESTED_ADDRESS) as rest:
        made = await ask(rest, "POST", f"{MUSIC}/generate", {"prompt": "pop"}, Prefer="respond-async", **headers)
        unreadable = await ask(rest, "GET", MUSIC, X_Forwarded_Host="a b")
        stopped = await ask(rest, "DELETE", f"{MUSIC}/song-1", X_Forwarded_Host="a b")
        state = (await ask(rest, "GET", f"{MUSIC}/song-1")).json["status"]
    peers = [vars(record)["peer"] for record in caplog.records if record.getMessage() == "a REST call has ended"]
    if believed:
        assert made.json["events_url"] == f"https://music.example/api{MUSIC}/song-1/events"
        assert (made.headers["location"], peers[0]) == (f"/api{MUSIC}/song-1", "192.0.2.7")
        assert [one.json["violations"][0]["field"] for one in (unreadable, stopped)] == ["X-Forwarded-Host"] * 2
        assert state != "cancelled"
    else:
        assert made.json["events_url"] == f"http://{rest.address}{MUSIC}/song-1/events"
        assert made.headers["location"] == f"{MUSIC}/song-1"
        assert peers[0].startswith("127.0.0.1:")
        assert (unreadable.status, stopped.status) == (200, 204)
