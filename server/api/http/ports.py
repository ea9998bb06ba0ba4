"""Derives the limits and rules of the HTTP ports from the settings."""

from dataclasses import replace

from server.api.http.acceptor import Timeouts
from server.api.http.guard import ANY, Rules
from server.api.http.server import HttpPort
from server.api.peer_slots import PeerSlots
from server.api.proxies import TrustedProxies
from server.auth.tls import Certificates
from server.settings.settings import Settings

OPERATIONS_CONNECTIONS = 64
"""Most open connections of the operations port, which is used only by probes and metrics collectors."""


def http_rules(settings: Settings) -> Rules:
    """Return the rules of the HTTP port: the host names by which it may be called, and the origins of web pages that
    may call it.
    """
    rest, own = settings.rest, settings.host.strip("[]").lower()
    if rest.allowed_hosts:
        hosts = (*map(str.lower, rest.allowed_hosts), own)
    else:
        hosts = (ANY,) if settings.api_keys else (own,)
    return Rules(hosts, rest.allowed_origins)


def http_port(settings: Settings, certificates: Certificates | None, proxies: TrustedProxies) -> HttpPort:
    """Return the limits of the HTTP port, with TLS if there are certificates for it."""
    connections, keepalive = settings.connections, settings.keepalive
    encrypted = certificates if settings.tls.http else None
    return HttpPort(
        PeerSlots(connections.count, connections.peer_count, proxies),
        Timeouts(
            connections.handshake_seconds, connections.idle_seconds, keepalive.time_seconds, keepalive.timeout_seconds
        ),
        connections.metadata_bytes,
        encrypted.context if encrypted else lambda: None,
        settings.limits.stall_seconds,
    )


def operations_port(settings: Settings) -> HttpPort:
    """Return the limits of the operations port: few connections, no TLS."""
    port = http_port(settings, None, TrustedProxies())
    return replace(port, connections=PeerSlots(OPERATIONS_CONNECTIONS, OPERATIONS_CONNECTIONS))
