"""Tests of forwarding headers: from which proxies they are accepted, and how they are read."""

from ipaddress import ip_network

import pytest

from server.api.proxies import Forwarding, TrustedProxies
from server.errors import InvalidRequest

PROXIES = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
NEAR, FAR, CALLER = "10.0.0.1", "10.0.0.2", "192.0.2.7"

BELIEVED: list[tuple[str, dict[str, str], Forwarding]] = [
    (NEAR, {}, Forwarding(NEAR)),
    (CALLER, {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}, Forwarding(CALLER)),
    ("", {"x-forwarded-host": "evil.example"}, Forwarding("")),
    (NEAR, {"x-forwarded-host": "music.example:8443"}, Forwarding(NEAR, "music.example:8443")),
    (NEAR, {"x-forwarded-proto": "HTTPS", "x-forwarded-prefix": "/music/"}, Forwarding(NEAR, "", "https", "/music")),
    (NEAR, {"x-forwarded-for": CALLER, "x-forwarded-proto": "https"}, Forwarding(CALLER, "", "https")),
    ("::ffff:10.0.0.1", {"x-forwarded-for": "2001:db8::1"}, Forwarding("2001:db8::1")),
    (
        "fd00::1",
        {"forwarded": 'for="[2001:db8::1]:4711";proto=https;host="a.b:1"'},
        Forwarding("2001:db8::1", "a.b:1", "https"),
    ),
    (NEAR, {"forwarded": f"For={CALLER}; Proto=https; by=_me"}, Forwarding(CALLER, "", "https")),
    (NEAR, {"forwarded": "for=unknown;host=example.com"}, Forwarding("unknown", "example.com")),
    # The caller forges the first element; two proxies of ours add the next ones.
    (
        NEAR,
        {"x-forwarded-for": f"1.2.3.4, {CALLER}, {FAR}", "x-forwarded-host": "evil.example, music.example, inside"},
        Forwarding(CALLER, "music.example"),
    ),
    (
        NEAR,
        {"forwarded": f"for=1.2.3.4;host=evil.example, for={CALLER};host=music.example;proto=https, for={FAR}"},
        Forwarding(CALLER, "music.example", "https"),
    ),
    (NEAR, {"forwarded": f"for={CALLER};proto=https", "x-forwarded-host": "a.b"}, Forwarding(CALLER, "a.b", "https")),
]
REFUSED: list[tuple[dict[str, str], str]] = [
    ({"x-forwarded-host": "a b"}, "X-Forwarded-Host"),
    ({"x-forwarded-host": 'a"><script>'}, "X-Forwarded-Host"),
    ({"x-forwarded-host": "user@example.com"}, "X-Forwarded-Host"),
    ({"x-forwarded-proto": "javascript"}, "X-Forwarded-Proto"),
    ({"x-forwarded-prefix": "music"}, "X-Forwarded-Prefix"),
    ({"x-forwarded-prefix": "//evil.example/?"}, "X-Forwarded-Prefix"),
    ({"forwarded": "nonsense"}, "Forwarded"),
    ({"forwarded": 'host="a/b"'}, "Forwarded"),
    ({"forwarded": "host=a.example", "x-forwarded-host": "b.example"}, "Forwarded"),
]


def test_headers_are_believed_as_far_as_trusted_proxies_have_sent_them() -> None:
    found = [PROXIES.forwarding(peer, headers.items()) for peer, headers, _ in BELIEVED]
    assert found == [told for _, _, told in BELIEVED]


def test_what_a_proxy_cannot_mean_is_refused_by_the_name_of_its_header() -> None:
    named = []
    for headers, _ in REFUSED:
        with pytest.raises(InvalidRequest) as error:
            PROXIES.forwarding(NEAR, headers.items())
        named += [violation.field for violation in error.value.violations]
        assert PROXIES.client(NEAR, headers.items()) == NEAR
    assert named == [header for _, header in REFUSED]


def test_a_header_in_several_lines_is_one_list() -> None:
    headers = [
        ("x-forwarded-for", CALLER),
        ("x-forwarded-for", FAR),
        ("x-forwarded-host", "a"),
        ("x-forwarded-host", "b"),
    ]
    assert PROXIES.forwarding(NEAR, headers) == Forwarding(CALLER, "a")
    assert TrustedProxies().forwarding(NEAR, headers) == Forwarding(NEAR)
