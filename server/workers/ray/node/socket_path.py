"""Addresses of encoders on a cluster: the id of a node, and the path of a Unix socket on that node."""

_MARK = "\0"
"""Separator between node id and path; no path contains this character."""


def joined(node_id: str, path: str) -> str:
    """Return the address of the Unix socket `path` on a node."""
    return f"{node_id}{_MARK}{path}"


def parted(address: str) -> tuple[str, str]:
    """Split the address of a Unix socket on a node into node id and path; the node id is empty for a socket on the
    server's computer.
    """
    node_id, _, path = address.rpartition(_MARK)
    return node_id, path
