"""Peers: the addresses from which connections come, and those among them that bring the connections of many."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Peers:
    """Tells trusted proxies, which are in one of the `proxies`, from peers that are callers themselves."""

    proxies: Sequence[Network] = ()

    def trusted(self, address: str) -> bool:
        """True for the address of a proxy whose connections are those of many callers."""
        if not self.proxies:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.proxies)


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks (10.0.0.0/8) as they are written; raises ValueError for what is neither."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def host_of(peer: str) -> str:
    """The address in what gRPC calls a peer: "ipv4:127.0.0.1:5000", "ipv6:[::1]:5000" or "ipv6:%5B::1%5D:5000".

    An IPv4 address that came in by IPv6 is told as IPv4; what has no address, such as "unix:", is told as it is.
    """
    kind, _, rest = unquote(peer).partition(":")
    return plain_address(rest.rpartition(":")[0].strip("[]")) if kind in ("ipv4", "ipv6") else peer


def plain_address(address: str) -> str:
    """An address without its zone, and as IPv4 where it is one that came in by IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
