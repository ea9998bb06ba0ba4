"""Reads the forwarding headers of trusted proxies, which contain the client of a call and the URL that was called."""

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from model.song import Violation
from server.api.peers import plain_address
from server.errors import InvalidRequest

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers: TypeAlias = Iterable[tuple[str, str]]
"""HTTP headers or metadata, with names in lower case."""

FORWARDED = "Forwarded"
_FOR, _HOST, _PROTO, _PREFIX = (f"X-Forwarded-{name}" for name in ("For", "Host", "Proto", "Prefix"))
_PAIR = re.compile(r'\s*([\w-]+)=("(?:[^"\\]|\\.)*"|[^\s";,]*)\s*(;|,|$)')
_SHAPES = {
    "host": (re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?"), "a host, such as example.com"),
    "proto": (re.compile(r"https?", re.IGNORECASE), "http or https"),
    "prefix": (re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?"), "a path, such as /music"),
}


@dataclass(frozen=True, slots=True)
class Forwarding:
    """The client, host, scheme and path prefix of a call, as trusted proxies report them in headers.

    `client` is the address that called the outermost trusted proxy, without a port. The other values are empty without
    proxies, or if the proxies report none.
    """

    client: str
    host: str = ""
    proto: str = ""
    prefix: str = ""


class TrustedProxies:
    """Reads the forwarding headers of calls from proxies in the given networks; headers from other addresses are
    ignored.
    """

    def __init__(self, networks: Collection[Network] = ()) -> None:
        self._networks = tuple(networks)

    def trusts(self, address: str) -> bool:
        """Return True for the address of a trusted proxy."""
        try:
            found = ipaddress.ip_address(plain_address(address))
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def forwarding(self, peer: str, headers: Headers) -> Forwarding:
        """Return the client, host, scheme and path prefix that trusted proxies report for a call from the address
        `peer`.

        Every proxy appends its values at the end. The headers are therefore read from the end, as far as the chain of
        trusted proxies goes; the values before that may be forged by the client.

        Raises:
            InvalidRequest: a trusted proxy has sent an invalid header, or two headers that contradict each other.
        """
        if not self.trusts(peer):
            return Forwarding(peer)
        given: dict[str, list[str]] = {}
        for name, value in headers:
            given.setdefault(name, []).append(value)
        hops = _hops(given)
        addresses = [hop.get("for", "") for hop in hops] or _listed(given, _FOR)
        client, count = self._client(peer, addresses)
        forwarded = _forwarded_values(hops[-count:])
        plain = {name: _nth(_listed(given, header), count) for name, header in _PLAIN.items()}
        for name, value in plain.items():
            if value and forwarded.get(name, value).lower() != value.lower():
                raise _invalid(
                    FORWARDED,
                    f"contradicts the header {_PLAIN[name]}: set up the proxy so that it sends only one of the two",
                )
        return Forwarding(
            client, **{name: _checked(name, value, forwarded) for name, value in (plain | forwarded).items()}
        )

    def client(self, peer: str, headers: Headers) -> str:
        """Return the client's address of a call, as trusted proxies report it; `peer`, the address of the connection,
        if there are none or the headers are invalid.
        """
        try:
            return self.forwarding(peer, headers).client
        except InvalidRequest:
            return peer

    def _client(self, peer: str, addresses: Sequence[str]) -> tuple[str, int]:
        """Return the client's address, the last of `addresses` that is not a trusted proxy's, and the number of trusted
        proxies between client and server.
        """
        client, count = peer, 0
        for address in reversed(addresses or [""]):
            client, count = _without_port(address) or client, count + 1
            if not self.trusts(client):
                break
        return client, count


_PLAIN = {"host": _HOST, "proto": _PROTO, "prefix": _PREFIX}


def _hops(given: dict[str, list[str]]) -> list[dict[str, str]]:
    """Return the elements of the header Forwarded (RFC 7239), one for each proxy, in the order of the header. `given`
    has the values of the call's forwarding headers, by name in lower case.
    """
    text = ",".join(given.get("forwarded", ()))
    return list(_elements(text)) if text.strip() else []


def _elements(text: str) -> Iterator[dict[str, str]]:
    element: dict[str, str] = {}
    end = 0
    while end < len(text):
        if not (found := _PAIR.match(text, end)):
            raise _invalid(FORWARDED, "must be pairs such as for=192.0.2.1;proto=https;host=example.com")
        element[found[1].lower()] = _unquoted(found[2])
        end = found.end()
        if found[3] != ";":
            yield element
            element = {}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _forwarded_values(hops: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return the host (key "host") and the scheme ("proto") of the request, each from the outermost proxy in `hops`
    (elements of the header Forwarded) that reports it.
    """
    pairs = (pair for hop in reversed(hops) for pair in hop.items())
    return {name: value for name, value in pairs if value and name in ("host", "proto")}


def _listed(given: dict[str, list[str]], header: str) -> list[str]:
    return [part.strip() for value in given.get(header.lower(), ()) for part in value.split(",") if part.strip()]


def _nth(values: Sequence[str], count: int) -> str:
    """Return the value that the outermost of `count` proxies added to a header with these `values`; the first value if
    there are fewer than `count`, "" if there is none.
    """
    return values[-min(count, len(values))] if values else ""


def _without_port(address: str) -> str:
    bracketed = re.fullmatch(r"\[(.*)\](:\d+)?", address)
    if bracketed:
        return bracketed[1]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _checked(name: str, value: str, forwarded: dict[str, str]) -> str:
    shape, words = _SHAPES[name]
    if value and not shape.fullmatch(value):
        raise _invalid(
            FORWARDED if name in forwarded else _PLAIN[name],
            f"must name {words}; the proxy before the server sent another value: correct its settings",
        )
    return value.lower() if name == "proto" else value.rstrip("/")


def _invalid(header: str, description: str) -> InvalidRequest:
    return InvalidRequest(Violation(header, description))
