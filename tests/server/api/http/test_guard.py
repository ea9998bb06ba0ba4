"""Tests of the host names that the HTTP port accepts, and of web pages that may call it."""

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.api.http.guard import Rules
from server.api.http.operations import application
from server.api.http.ports import http_rules
from server.settings.groups import Rest
from server.settings.settings import Settings
from tests.support.table import table

KNOWN = ("", "localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1:80", "[::1]:8080", "10.1.2.3", "a.example", "me")
UNKNOWN = ("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "[::1].evil", "1")


def status(rules: Rules, method: str = "GET", path: str = "/v1/audio/music", **headers: str) -> int:
    """Return the HTTP status with which the rules refuse a request; 0 if they accept it."""
    given = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    refusal = rules.refusal(method, path, given)
    return refusal.status_code if refusal else 0


def test_names_that_are_known_and_others() -> None:
    rules = Rules(("a.example", "me"))
    assert {host: status(rules, host=host) for host in KNOWN} == dict.fromkeys(KNOWN, 0)
    assert {host: status(rules, host=host) for host in UNKNOWN} == dict.fromkeys(UNKNOWN, 421)


def test_what_is_no_name_is_refused_whatever_names_are_known() -> None:
    rules = Rules(("*",))
    hosts = ("[::1", "[::1]]", "[1:2]", "[1.2.3.4.5]:80", "a:b", "a:99999999", "::1")
    assert {host: status(rules, host=host) for host in hosts} == dict.fromkeys(hosts, 421)


@table(
    ("settings", "told"),
    [
        (Settings(), 421),
        (Settings(host="other.example"), 421),
        (Settings(host="evil.example"), 0),
        (Settings(rest=Rest(hosts="a.example, Evil.Example")), 0),
        (Settings(rest=Rest(hosts="*")), 0),
        (Settings(api_keys="keys.json"), 0),
        (Settings(api_keys="keys.json", rest=Rest(hosts="a.example")), 421),
    ],
)
def test_the_settings_say_which_names_are_known(settings: Settings, told: int) -> None:
    assert status(http_rules(settings), host="evil.example") == told


def test_pages_of_others_may_read_and_do_nothing() -> None:
    rules = Rules(("*",), ("https://friend.example",))
    cases = {
        ("POST", "http://evil.example", "cross-site"): 403,
        ("DELETE", "http://evil.example", ""): 403,
        ("POST", "null", ""): 403,
        ("POST", "http://[::1", ""): 403,
        ("POST", "here.example", ""): 403,
        ("POST", "http://here.example:81", ""): 403,
        ("GET", "http://evil.example", "cross-site"): 0,
        ("POST", "https://friend.example", "cross-site"): 0,
        ("POST", "http://here.example", ""): 0,
        ("POST", "https://here.example", ""): 0,
        ("POST", "https://behind.proxy.example", "same-origin"): 0,
    }
    found = {
        case: status(rules, case[0], host="here.example", origin=case[1], sec_fetch_site=case[2]) for case in cases
    }
    assert found == cases
    assert status(rules, "POST", host="here.example") == 0, "programs send no origin"
    assert status(Rules(("*",), ("*",)), "POST", host="here.example", origin="http://evil.example") == 0


async def test_every_answer_is_what_it_says_it_is() -> None:
    app = application([Route("/", lambda _: PlainTextResponse("x"))], Rules(("me",)))
    for path, host in (("/", "me"), ("/none", "me"), ("/", "evil.example")):
        assert (await _headers(app, path, host))["x-content-type-options"] == "nosniff", (path, host)


async def _headers(app: Starlette, path: str, host: str) -> Headers:
    started: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        started.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": [(b"host", host.encode())], "root_path": "", "scheme": "http", "http_version": "1.1"}
    await app(scope, receive, send)
    return Headers(raw=started[0]["headers"])  # type: ignore[arg-type]
