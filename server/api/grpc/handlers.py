"""Types and helper functions that the gRPC interceptors share."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from grpc.aio import ServicerContext

Context: TypeAlias = ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
FoundHandler: TypeAlias = "Handler | None"
"""The handler of a method; `None` if no service has the method."""
Continuation: TypeAlias = Callable[[grpc.HandlerCallDetails], Awaitable[FoundHandler]]
MeasureCall: TypeAlias = Callable[[str, grpc.StatusCode, float], None]
"""Function that is called at the end of a call with its method, code and seconds."""

_OWN_METHODS = "/melisma."


def is_own(method: str) -> bool:
    """Return True for a method of Melisma's own services, as opposed to health checks and reflection."""
    return method.startswith(_OWN_METHODS)


def unmeasured(method: str, code: grpc.StatusCode, seconds: float) -> None:
    """Do nothing; the default for arguments `measure`, which record the metrics of a call."""


def required(part: Any) -> Any:
    """Return a handler function that cannot be `None` for its kind of call, which grpc's types do not express. Raises
    TypeError if it is `None`.
    """
    if part is None:
        raise TypeError("the gRPC handler has no function for its kind of call. This is a bug: please report it")
    return part
