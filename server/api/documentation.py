"""Writes the table of all errors for the documentation; `python docs/generate.py` calls it."""

import inspect
from collections.abc import Iterator

import grpc

from server.api.rest.problems import http_status
from server.contract.status import FAILURE_CODES, OUTCOMES, STORE_UNAVAILABLE
from server.errors import EndedElsewhere
from server.store.base import INTERRUPTED, NOT_KEPT

_STORE_REASONS = {
    INTERRUPTED: (
        FAILURE_CODES[INTERRUPTED],
        "The server that made the song was lost, and no other server could continue the song.",
    ),
    NOT_KEPT: (FAILURE_CODES[NOT_KEPT], "The song was made, but could not be stored."),
    STORE_UNAVAILABLE.reason: (STORE_UNAVAILABLE.code, "The song store does not answer at present."),
}
"""gRPC code and meaning of those errors of the song store that have a reason but no error class, by reason."""


def errors_table() -> str:
    """Return a Markdown table of every reason for which a call can fail: gRPC code, HTTP status, meaning."""
    return "\n".join(["| reason | gRPC | HTTP | meaning |", "|---|---|---|---|", *_rows()])


def _rows() -> Iterator[str]:
    for kind, outcome in OUTCOMES.items():
        if kind is not EndedElsewhere:
            meaning = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
            yield _row(outcome.reason, outcome.code, int(http_status(kind, outcome.code)), meaning)
    for reason, (code, meaning) in _STORE_REASONS.items():
        yield _row(reason, code, int(http_status(Exception, code)), meaning)


def _row(reason: str, code: grpc.StatusCode, status: int, meaning: str) -> str:
    return f"| `{reason}` | {code.name} | {status} | {meaning.rstrip()} |"
