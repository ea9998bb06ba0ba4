"""Refuses requests that come from foreign web pages, and forbids browsers to guess the content type of responses.

A web page can reach a server in its reader's network if the page's host name resolves to that server (DNS rebinding).
The browser then sends that name as `Host`, so unknown names are refused, and addresses are allowed. A page that posts
to another server without a preflight request sends its `Origin`, which is checked, too.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.rest.problems import problem_response

ANY = "*"
_READING = frozenset(("GET", "HEAD", "OPTIONS"))
_LOCAL = "localhost"
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::\d{0,5})?")


@dataclass(frozen=True)
class Rules:
    """Rules for HTTP requests: the allowed `Host` names, in lower case, and the `origins` of web pages that may call.

    Paths in `open_paths` may be called with any `Host` name: they do not return songs, and their callers use names and
    addresses of the cluster.
    """

    hosts: Collection[str] = (ANY,)
    origins: Collection[str] = ()
    open_paths: Collection[str] = field(default_factory=frozenset)

    def refusal(self, method: str, path: str, headers: Headers) -> Response | None:
        """Return the error response for a request that the rules forbid; `None` for a request that they allow."""
        if path in self.open_paths:
            return None
        if not self._knows(headers.get("host", "")):
            return problem_response(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server does not answer to the host name of the call: use the server's address, or have its "
                "operator add the name to MELISMA_REST__HOSTS",
            )
        if method not in _READING and not self._comes_from_here(headers):
            return problem_response(
                HTTPStatus.FORBIDDEN,
                "web pages of that origin may not call this server: have its operator add the origin to "
                "MELISMA_REST__ORIGINS",
            )
        return None

    def _knows(self, host: str) -> bool:
        # HTTP/1.0 has no Host, and browsers do not use HTTP/1.0.
        name = _name(host)
        return not host or (name != "" and (ANY in self.hosts or name in {*self.hosts, _LOCAL} or _is_address(name)))

    def _comes_from_here(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or headers.get("sec-fetch-site") in ("same-origin", "none"):
            return True
        if ANY in self.origins or origin in self.origins:
            return True
        return origin.lower().partition("://")[2] == headers.get("host", "").lower()


class Guard:
    """ASGI middleware that answers requests that break the `Rules` with an error and passes the others to the
    application; it also adds the header X-Content-Type-Options to responses.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the ASGI application, or send an error response if the request breaks the rules."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        refusal = self._rules.refusal(scope["method"], scope["path"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, marked)


def _name(host: str) -> str:
    """Return the host, in lower case, of a `Host` header's value, "name:port" or "[address]:port" (the port may be
    missing); empty if the value has neither form.
    """
    found = _HOST.fullmatch(host)
    if not found or (found[1] and not _is_address(found[1])):
        return ""
    return (found[1] or found[2]).lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
