"""Settings of trusted proxies, such as load balancers in front of the server."""

import ipaddress
from typing import TypeAlias

from pydantic import Field, field_validator

from server.settings.groups import Group, parts

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies(Group):
    """Settings of the trusted proxies in front of both ports."""

    trusted: str = Field(
        default="",
        description="addresses or networks (commas) of trusted proxies, whose forwarding headers are used, "
        "such as 10.0.0.0/8; empty: none",
    )

    @field_validator("trusted")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        for part in parts(value):
            _network(part)
        return value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The trusted networks as a tuple of IP networks; a single address is a network with one address."""
        return tuple(map(_network, parts(self.trusted)))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} must be an address or a network, such as 10.1.2.3 or 10.0.0.0/8: {error}") from None
