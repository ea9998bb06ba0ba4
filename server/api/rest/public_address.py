"""Finds the public address (base URL) of the server, for the URLs in responses."""

from starlette.requests import Request

from server.api.proxies import TrustedProxies


class PublicAddress:
    """The public base URL of the server: the URL of the setting MELISMA_REST__PUBLIC_URL, otherwise the address to
    which a call was sent, as trusted proxies report it.
    """

    def __init__(self, url: str = "", proxies: TrustedProxies | None = None) -> None:
        """Set up the public address; `url` has no trailing slash. If `url` is empty, the address of each call is
        used.
        """
        self._url = url
        self.proxies = proxies or TrustedProxies()

    def of(self, request: Request) -> str:
        """Return the public base URL of the server, without a trailing slash, for the response to a request.

        Raises:
            InvalidRequest: a trusted proxy has sent a header that cannot be read.
        """
        if self._url:
            return self._url
        peer = request.client.host if request.client else ""
        forwarding = self.proxies.forwarding(peer, request.headers.items())
        base = request.base_url
        return f"{forwarding.proto or base.scheme}://{forwarding.host or base.netloc}{forwarding.prefix}"


REQUESTED_ADDRESS = PublicAddress()
"""Public address taken from the Host header of each call; headers of proxies are ignored."""
