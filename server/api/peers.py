"""Converts gRPC's names of peers (the clients of connections) to plain addresses."""

import ipaddress
from functools import lru_cache
from urllib.parse import unquote


def host_of(peer: str) -> str:
    """Return the IP address in gRPC's name of a peer: "ipv4:127.0.0.1:5000" or "ipv6:%5B::1%5D:5000".

    A peer without an address, such as "unix:", is returned as it is.
    """
    kind, _, rest = unquote(peer).partition(":")
    return plain_address(rest.rpartition(":")[0].strip("[]")) if kind in ("ipv4", "ipv6") else peer


@lru_cache(maxsize=4096)
def plain_address(address: str) -> str:
    """Return an IP address without its zone index; an IPv4 address mapped into IPv6 ("::ffff:192.0.2.1") becomes plain
    IPv4.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
