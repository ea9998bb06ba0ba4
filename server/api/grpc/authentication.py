"""Authenticates gRPC calls by API key. Health checks and load reports need no key, because load balancers have none."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import grpc
from grpc.aio import ServerInterceptor
from grpc_status import rpc_status

from server.api.grpc.handlers import Context, Continuation, FoundHandler, Handler, MeasureCall, unmeasured
from server.api.grpc.health import HEALTH_SERVICE, MUSIC_SERVICE
from server.api.grpc.load_report import ORCA_SERVICE
from server.auth.api_keys import Scope
from server.auth.authenticator import Authenticator
from server.contract.status import outcome_of, status_of
from server.errors import ServiceError

_log = logging.getLogger(__name__)

_OPEN = (f"/{HEALTH_SERVICE}/", f"/{ORCA_SERVICE}/")

SCOPES: Mapping[str, Scope] = MappingProxyType(
    {
        **{f"/{MUSIC_SERVICE}/{method}": Scope.GENERATE for method in ("Generate", "Listen", "CancelSong")},
        **{f"/{MUSIC_SERVICE}/{method}": Scope.GENERATE for method in ("GetSong", "ListSongs", "DeleteSong")},
        f"/{MUSIC_SERVICE}/GetEngine": Scope.ENGINES,
        f"/{MUSIC_SERVICE}/ListEngines": Scope.ENGINES,
    }
)
"""The scope (right of an API key) that each method requires; for other methods, such as reflection, any valid key
suffices."""


class Authentication(ServerInterceptor):
    """Interceptor that refuses a call without a valid API key before its message is read."""

    def __init__(self, authenticator: Authenticator, measure: MeasureCall = unmeasured) -> None:
        """Set up the authentication of calls; `measure` is called for each refused call, for the metrics."""
        self._authenticator = authenticator
        self._measure = measure

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> FoundHandler:
        """Return the handler of the call, or a handler that refuses the call."""
        method = handler_call_details.method
        if not method.startswith(_OPEN):
            try:
                self._authenticator.authenticate(handler_call_details.invocation_metadata, SCOPES.get(method))
            except ServiceError as error:
                return _refusing(error, method, self._measure)
        return await continuation(handler_call_details)


def _refusing(error: ServiceError, method: str, measure: MeasureCall) -> Handler:
    """Return a handler that ends a call with an error and logs it. `measure` records the call in the metrics under the
    name `method`.

    The handler is one for bidirectional streams, which suits all kinds of calls and does not wait for a message first.
    """

    async def refuse(_: Any, context: Context) -> None:
        outcome = outcome_of(error)
        measure(method, outcome.code, 0.0)
        fields = {"method": method, "peer": context.peer(), "code": outcome.code.name, "reason": outcome.reason}
        _log.info("a gRPC call has ended", extra={**fields, "seconds": 0.0})
        await context.abort_with_status(rpc_status.to_status(status_of(error)))

    handler: Any = refuse
    return grpc.stream_stream_rpc_method_handler(handler)
