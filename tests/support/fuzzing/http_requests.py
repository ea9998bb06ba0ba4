"""Generates requests to the HTTP port, as bytes, that no client library would send."""

import random
import uuid
from collections.abc import Iterable

from melisma.v1 import music_pb2
from tests.support.fuzzing import bodies, texts
from tests.support.fuzzing.songs import good_song

GENERATE = "/v1/audio/music/generate"

_PATHS = (
    "/v1/audio/music", "/v1/audio/music/{id}", "/v1/audio/music/{id}/events", "/v1/audio/music/{id}/cancel",
    "/audio/{id}.mp3", "/audio/{id}.wav", "/audio/{id}", "/v1/engines", "/openapi.json", "/version", "/livez",
    "/readyz", "/metrics", "/", "/page/api.js", "/page/../server", "/v1/audio/music/", "/%00", "/v1/%2e%2e/%2e%2e",
    "//", "/v1/audio/music/%ff",
)  # fmt: skip
_METHODS = ("GET", "GET", "GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS", "TRACE", "get", "M-SEARCH")
_NAMES = (b"page_size", b"page_token", b"byte_offset", b"x", b"page_size", b"%ff", b"")
_VALUES = (
    b"1", b"0", b"-1", b"200", b"201", b"2147483648", b"9223372036854775808", b"9" * 400, b"9" * 5_000, b"%D9%A1",
    b"1.5", b"+1", b"1e3", b"", b"%ff", b"%00", b"null", b"a" * 300, b"NaN", b"1_000", b"%F0%9D%9F%8F",
)  # fmt: skip
_CALLER = b"X-Caller"
_HEADERS: dict[bytes, tuple[bytes, ...]] = {
    b"Accept": (b"audio/mpeg", b"application/json", b"text/html", b"*/*;q=0", b"a/b;q=9e999", b";;,,", b"\xff"),
    b"Prefer": (b"respond-async", b"wait=9" * 50, b"respond-async, wait=0", b"=", b'"'),
    b"Idempotency-Key": (b"a", b"", b"k" * 256, b"\xc3\xa9", b"00000000-0000-4000-8000-000000000000", b'"q"'),
    _CALLER: (b"me", b"a" * 65, b"\xff", b" ", b"anonymous"),
    b"Range": (b"bytes=0-", b"bytes=5-1", b"bytes=-1", b"bytes=0-0,2-3", b"lines=1-2", b"bytes=" + b"9" * 5_000 + b"-"),
    b"If-Range": (b'"x"', b"yesterday"),
    b"If-None-Match": (b"*", b'W/"x"', b'"' * 99),
    b"Last-Event-ID": (b"1", b"-1", b"9" * 5_000, b"\xff", b"x"),
    b"Authorization": (b"Bearer x", b"Bearer ", b"Basic Og==", b"\xff"),
    b"Traceparent": (b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01", b"00-\xff", b"ff-x"),
    b"Tracestate": (b"a=b," * 600, b"="),
    b"Baggage": (b"a=b;" * 600, b"\xff"),
    b"Host": (b"evil.example", b"", b"localhost:99999", b"[::1", b"a b"),
    b"Origin": (b"null", b"http://evil.example", b"\xff", b"http://[::1"),
    b"Forwarded": (b"for=1.2.3.4;proto=gopher;host=evil", b"for="),
    b"X-Forwarded-For": (b"1.2.3.4", b"\xff", b"," * 400),
    b"X-Forwarded-Proto": (b"gopher",),
    b"Expect": (b"100-continue", b"200"),
    b"Content-Encoding": (b"gzip", b"identity", b"x"),
    b"Upgrade": (b"websocket", b"h2c"),
    b"Cookie": (b"a=" + b"b" * 4_000,),
    b"X-": (b"x" * 20_000, b"\x01"),
}
_KINDS = (
    b"application/json",
    b"application/json; charset=utf-8",
    b"application/json; charset=utf-16",
    b"text/plain",
    b"",
    b"\xff",
)


def good_generate(chance: random.Random, engine: str) -> bytes:
    """Return a valid request for a song without a listener."""
    data = bodies.good_body(good_song(chance, engine))
    return _written(b"POST", GENERATE.encode(), [(b"Prefer", b"respond-async"), (b"Content-Type", _KINDS[0])], data)


def request(chance: random.Random, engine: str) -> bytes:
    """Return a random request: most ask for a song, others have any method, path, query and headers."""
    headers = [(name, chance.choice(choices)) for name, choices in _HEADERS.items() if chance.random() < 0.02]
    if chance.random() < 0.65:
        data = bodies.body(chance, music_pb2.GenerateRequest.DESCRIPTOR, good_song(chance, engine))
        kind = chance.choice(_KINDS) if chance.random() < 0.05 else _KINDS[0]
        return _written(
            b"POST", GENERATE.encode(), [(b"Prefer", b"respond-async"), (b"Content-Type", kind), *headers], data
        )
    method = chance.choice(_METHODS).encode()
    place = chance.choice(_PATHS).replace("{id}", _task_id(chance)).encode("utf-8", "replace")
    data = texts.text(chance).encode()[:2_000] if chance.random() < 0.1 else b""
    return _written(method, place + _query(chance), headers, data)


def plain(path: str, method: bytes = b"GET", like: bytes = b"") -> bytes:
    """Return the bytes of a request without a body, with the caller's name (header X-Caller) of the request `like`."""
    caller = [(_CALLER, line[len(_CALLER) + 2 :]) for line in like.split(b"\r\n") if line.startswith(_CALLER + b": ")]
    return _written(method, path.encode(), caller, b"")


def _query(chance: random.Random) -> bytes:
    if chance.random() < 0.4:
        return b""
    pairs = [chance.choice(_NAMES) + b"=" + chance.choice(_VALUES) for _ in range(chance.randint(1, 3))]
    return b"?" + b"&".join(pairs)


def _task_id(chance: random.Random) -> str:
    known = f"song-{uuid.UUID(int=chance.getrandbits(128), version=4)}"
    return chance.choice((known, known.upper(), "x", "%F0%9F%98%80", "a" * 300, "..", "%2e%2e%2fx", "%00", "%ed%a0%80"))


def _written(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], data: bytes) -> bytes:
    lines = [(b"Connection", b"close"), *headers]
    if b"Host" not in dict(lines):
        lines.append((b"Host", b"localhost"))
    if data or method in (b"POST", b"PUT", b"PATCH"):
        lines.append((b"Content-Length", b"%d" % len(data)))
    head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
    return method + b" " + target + b" HTTP/1.1\r\n" + head + b"\r\n" + data
