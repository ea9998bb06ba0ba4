"""The address that callers know the server by, for the URLs in answers."""

from starlette.requests import Request

from server.api.proxies import TrustedProxies


class PublicAddress:
    """The address that is set, else the one that the call has asked, as trusted proxies tell it."""

    def __init__(self, url: str = "", proxies: TrustedProxies | None = None) -> None:
        """`url` has no slash at its end; empty: it is that of each call."""
        self._url = url
        self.proxies = proxies or TrustedProxies()

    def of(self, request: Request) -> str:
        """The address for the answer to a request, without a slash at its end.

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
"""The address that each call has asked; no proxy is believed."""
