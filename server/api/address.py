"""Formats the address and port on which a server listens, and defines the error for an address that cannot be used."""


class PortUnavailable(RuntimeError):
    """Error: the server cannot listen on an address and port; the text names both."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"cannot listen on {shown(host, port)}: another process may use the port: stop it, or set MELISMA_PORT "
            "and MELISMA_HTTP_PORT"
        )


def shown(host: str, port: int) -> str:
    """Return an address as "host:port", with an IPv6 host in brackets, as in URLs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
