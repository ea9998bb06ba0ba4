"""Tests of the client and server addresses that the trace span of a call records, over gRPC and HTTP, with and without
a proxy.
"""

from ipaddress import ip_network

from starlette.requests import Request

from server.api.ends import grpc_ends, http_ends
from server.api.proxies import TrustedProxies
from server.telemetry.traces.call_trace import End, Ends

OWN = End("pod-1", 50051)
PROXIES = TrustedProxies([ip_network("10.0.0.0/8")])
CALLER, PROXY = ("192.0.2.7", 5000), ("10.0.0.1", 5000)
FAR = {"host": "a", "forwarded": "for=192.0.2.9;proto=https;host=b"}

GRPC = {
    "ipv4:192.0.2.7:5000": End(*CALLER),
    "ipv6:%5B2001:db8::7%5D:5000": End("2001:db8::7", 5000),
    "unix:": End("unix:", None),
    "ipv4:10.0.0.1:5000": End("192.0.2.9", None),
}

HTTP: list[tuple[tuple[str, int] | None, dict[str, str], Ends]] = [
    (CALLER, {"host": "songs.example"}, Ends(End("songs.example", 80), End(*CALLER))),
    (CALLER, {"host": "[2001:db8::1]:8080"}, Ends(End("2001:db8::1", 8080), End(*CALLER))),
    (CALLER, {"host": "a:b"}, Ends(End("192.0.2.1", 80), End(*CALLER))),
    (CALLER, {"host": "a", "x-forwarded-host": "evil.example"}, Ends(End("a", 80), End(*CALLER))),
    (
        PROXY,
        {"host": "a", "forwarded": "for=192.0.2.9;proto=https;host=b"},
        Ends(End("b", 443), End("192.0.2.9", None)),
    ),
    (PROXY, {"host": "a", "x-forwarded-host": "no host"}, Ends(End("a", 80), End(*PROXY))),
    (PROXY, {"host": "a", "x-forwarded-host": "b:99999"}, Ends(End("", None), End(*PROXY))),
    (None, {"host": "a"}, Ends(End("a", 80), End("", None))),
]


def test_the_client_of_a_call_over_grpc_is_known_also_behind_a_proxy() -> None:
    metadata = (("x-forwarded-for", "192.0.2.9"), ("trace-bin", b"x"))
    found = {peer: grpc_ends(peer, metadata, OWN, PROXIES) for peer in GRPC}
    assert found == {peer: Ends(OWN, client) for peer, client in GRPC.items()}


def request(client: tuple[str, int] | None, headers: dict[str, str]) -> Request:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http", "headers": encoded}
    return Request({**scope, "client": client, "server": ("192.0.2.1", 80)})


def test_both_ends_of_a_call_over_http_are_those_that_trusted_proxies_tell() -> None:
    assert [http_ends(request(client, headers), PROXIES) for client, headers, _ in HTTP] == [ends for *_, ends in HTTP]
