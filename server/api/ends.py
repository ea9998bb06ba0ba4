"""Finds the two addresses of a call for its trace span: that of the server that was called, and that of the client."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from server.api.peers import host_of
from server.api.proxies import Forwarding, Headers, TrustedProxies
from server.errors import InvalidRequest
from server.telemetry.traces.call_trace import End, Ends

_UNKNOWN: Final = End("", None)
_PORTS: Final = {"http": 80, "https": 443}


def http_ends(request: Request, proxies: TrustedProxies) -> Ends:
    """Return the server's and the client's address of a call over HTTP, as trusted proxies report them."""
    peer = End(*request.client) if request.client else _UNKNOWN
    return Ends(_called(request, peer, proxies), _client(peer, request.headers.items(), proxies))


def grpc_ends(peer: str, metadata: Iterable[tuple[str, str | bytes]], server: End, proxies: TrustedProxies) -> Ends:
    """Return the server's and the client's address of a call over gRPC; `peer` is the client in gRPC's notation.

    The server's address is the given `server`, because grpc.aio does not report the host name that the client called.
    """
    headers = [(key, value) for key, value in metadata if isinstance(value, str)]
    return Ends(server, _client(End(host_of(peer), _port_of(peer)), headers, proxies))


def _client(peer: End, headers: Headers, proxies: TrustedProxies) -> End:
    """Return the client's address, as trusted proxies report it, and its port if the client is connected without a
    proxy.
    """
    address = proxies.client(peer.address, headers)
    return peer if address == peer.address else End(address, None)


def _called(request: Request, peer: End, proxies: TrustedProxies) -> End:
    try:
        forwarding = proxies.forwarding(peer.address, request.headers.items())
    except InvalidRequest:
        forwarding = Forwarding(peer.address)
    scheme = forwarding.proto or request.url.scheme
    try:
        url = urlsplit(f"{scheme}://{forwarding.host or request.url.netloc}")
        return End(url.hostname or "", url.port or _PORTS.get(scheme))
    except ValueError:  # the port is not a valid number
        return _UNKNOWN


def _port_of(peer: str) -> int | None:
    port = peer.rpartition(":")[2]
    return int(port) if peer.startswith("ip") and port.isdecimal() else None
