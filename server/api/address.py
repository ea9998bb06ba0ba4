"""Address and port on which the server listens."""


class PortUnavailable(RuntimeError):
    """An address cannot be listened on; the text names it."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"cannot listen on {shown(host, port)}: another process may use the port: stop it, or set MELISMA_PORT "
            "and MELISMA_HTTP_PORT"
        )


def shown(host: str, port: int) -> str:
    """An address as people and URLs write it, "host:port", an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
