"""Types and helper functions that the gRPC interceptors share."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from grpc.aio import ServicerContext

Context: TypeAlias = ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
FoundHandler: TypeAlias = "Handler | None"
"""The handler of a gRPC method; `None` if no service has the method."""
Continuation: TypeAlias = Callable[[grpc.HandlerCallDetails], Awaitable[FoundHandler]]
MeasureCall: TypeAlias = Callable[[str, grpc.StatusCode, float], None]
"""Function that records a call in the metrics at its end; arguments are method, status code and duration in seconds."""

_OWN_METHODS = "/melisma."


def is_own(method: str) -> bool:
    """Return True for a method of Melisma's own services, as opposed to health checks and reflection."""
    return method.startswith(_OWN_METHODS)


def unmeasured(method: str, code: grpc.StatusCode, seconds: float) -> None:
    """Do nothing with the method, status code and seconds of a call: the measuring function of a server without
    metrics.
    """


def required(part: Any) -> Any:
    """Return `part`, a function of a gRPC handler, typed as not `None`; grpc's types declare every such function
    optional.

    Raises:
        TypeError: `part` is `None`.
    """
    if part is None:
        raise TypeError("the gRPC handler has no function for its kind of call. This is a bug: please report it")
    return part
