"""Warns the operator of ports that can be reached from the network without an API key or without encryption."""

import logging

from server.settings.settings import Settings

logger = logging.getLogger(__name__)


def warn_of_open_network(settings: Settings) -> None:
    """Log a warning for each port that the settings expose to the network without API keys or without encryption."""
    if settings.host in ("127.0.0.1", "::1", "localhost") or not settings.takes_calls:
        return
    if not settings.api_keys and not settings.tls.client_ca:
        logger.warning(
            "everybody who can reach this server may call it: set MELISMA_API_KEYS or MELISMA_TLS__CLIENT_CA, or "
            "restrict "
            "access to its ports"
        )
        return
    if not settings.tls.certificate:
        logger.warning(
            "callers send their API keys unencrypted: set MELISMA_TLS__CERTIFICATE and MELISMA_TLS__KEY, or put a "
            "proxy with TLS before this server"
        )
    elif settings.rest.enabled and not settings.tls.http:
        logger.warning(
            "callers send their API keys unencrypted over HTTP: set MELISMA_TLS__HTTP=true, or put a proxy with TLS "
            "before the HTTP port"
        )
