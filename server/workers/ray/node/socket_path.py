"""Addresses of encoders on the nodes of a cluster: the id of the node, and a Unix socket there."""

_MARK = "\0"
"""Stands in no path."""


def joined(node_id: str, path: str) -> str:
    """Return the address of the socket `path` on a node."""
    return f"{node_id}{_MARK}{path}"


def parted(address: str) -> tuple[str, str]:
    """Return the node and the path of an address; the node is empty for a socket beside the server."""
    node_id, _, path = address.rpartition(_MARK)
    return node_id, path
