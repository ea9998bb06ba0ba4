"""The address in answers: the one that is set, told by trusted proxies, or asked."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from server.api.proxies import TrustedProxies
from server.api.rest.public_address import REQUESTED_ADDRESS, PublicAddress

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "music.example", "X-Forwarded-Prefix": "/api"}
BELIEVING = PublicAddress(proxies=TrustedProxies([ip_network("127.0.0.1")]))


def request(peer: str = "127.0.0.1", **headers: str) -> Request:
    given = {"Host": "inside:8080", **headers}
    lines = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "scheme": "http", "server": ("here", 80), "path": "/v1", "query_string": b""}
    return Request({**scope, "headers": lines, "client": (peer, 4711)})


@pytest.mark.parametrize(
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
