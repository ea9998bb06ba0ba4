"""Converts errors to problem details (RFC 9457), with the reason and violations that gRPC callers get."""

import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import grpc
from starlette.responses import JSONResponse

from model.song import Violation
from server.api.rest.json_format.names import request_path
from server.api.rest.json_format.proto_json import Json
from server.contract.status import OUTCOMES, outcome_of, shown, text_of
from server.errors import (
    ControlNotSupported,
    EndedElsewhere,
    EngineNotReady,
    InvalidRequest,
    OffsetOutOfRange,
    Overloaded,
    PoisonedRequest,
    ServiceError,
    Unauthenticated,
)

PROBLEM_TYPE = "application/problem+json"
_INVALID = OUTCOMES[InvalidRequest].reason

_STATUSES: Mapping[grpc.StatusCode, HTTPStatus] = MappingProxyType(
    {
        grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
        grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
        grpc.StatusCode.OUT_OF_RANGE: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        grpc.StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
        grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
        grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
        grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
        grpc.StatusCode.CANCELLED: HTTPStatus.CONFLICT,
        grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
        grpc.StatusCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)
_OWN_STATUSES: Mapping[type[Exception], HTTPStatus] = MappingProxyType(
    {
        ControlNotSupported: HTTPStatus.BAD_REQUEST,
        PoisonedRequest: HTTPStatus.BAD_REQUEST,
        EngineNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
"""HTTP statuses by error class, for errors whose gRPC code maps to a less exact HTTP status."""


def problem(error: Exception) -> JSONResponse:
    """Return the HTTP response with problem details for an error. The text of a bug is replaced by a general one."""
    outcome = outcome_of(error)
    status = http_status(type(error), outcome.code)
    extra: dict[str, Json] = {"reason": outcome.reason}
    headers: dict[str, str] = {}
    if isinstance(error, ServiceError) and error.violations:
        extra["violations"] = violations_json(error.violations)
    if isinstance(error, Overloaded) and error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
        extra["retry_after_seconds"] = round(error.retry_after_seconds, 3)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, OffsetOutOfRange):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    return problem_response(status, _text(error), headers, **extra)


def http_status(kind: type[Exception], code: grpc.StatusCode) -> HTTPStatus:
    """Return the HTTP status for an error of the class `kind`, whose gRPC code is `code`."""
    return _OWN_STATUSES.get(kind) or _STATUSES[code]


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None, **extra: Json) -> JSONResponse:
    """Return a response with problem details of type "about:blank"; `detail` is the text and `extra` has further
    members.
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail}
    return JSONResponse(body | extra, status_code=status, headers=headers, media_type=PROBLEM_TYPE)


def violations_json(violations: Iterable[Violation]) -> list[Json]:
    """Return violations as JSON, with the REST names of their fields."""
    return [{"field": request_path(one.field), "description": one.description} for one in shown(violations)]


def failure_json(failure: EndedElsewhere) -> dict[str, Json]:
    """Return the stored failure of a song as a JSON object: reason, text and violations."""
    body: dict[str, Json] = {"reason": failure.reason, "detail": _text(failure)}
    return body | ({"violations": violations_json(failure.violations)} if failure.violations else {})


def _text(error: Exception) -> str:
    if isinstance(error, InvalidRequest | EndedElsewhere) and error.violations and outcome_of(error).reason == _INVALID:
        error = InvalidRequest(*(Violation(request_path(one.field), one.description) for one in error.violations))
    return text_of(error)
