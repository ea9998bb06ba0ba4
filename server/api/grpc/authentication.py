"""Lets in who has a key. Health and load need none: the balancers that ask hold no secrets."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import grpc
from grpc.aio import ServerInterceptor, ServicerContext
from grpc_status import rpc_status

from server.api.grpc.health import HEALTH_SERVICE, MUSIC_SERVICE
from server.api.grpc.load_report import ORCA_SERVICE
from server.auth.api_keys import ApiKey, Scope
from server.auth.caller import authenticated
from server.contract.status import outcome_of, status_of
from server.errors import PermissionDenied, ServiceError, Unauthenticated

_log = logging.getLogger(__name__)

AUTHORIZATION = "authorization"
_SCHEME = "bearer "
_OPEN = (f"/{HEALTH_SERVICE}/", f"/{ORCA_SERVICE}/")

SCOPES: Mapping[str, Scope] = MappingProxyType(
    {
        **{f"/{MUSIC_SERVICE}/{method}": Scope.GENERATE for method in ("Generate", "Listen", "CancelSong")},
        **{f"/{MUSIC_SERVICE}/{method}": Scope.GENERATE for method in ("GetSong", "ListSongs")},
        f"/{MUSIC_SERVICE}/GetEngine": Scope.ENGINES,
        f"/{MUSIC_SERVICE}/ListEngines": Scope.ENGINES,
    }
)
"""What each method needs; for any other, such as reflection, every key will do."""

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Continuation: TypeAlias = Callable[[grpc.HandlerCallDetails], Awaitable["_Handler | None"]]


class Doorkeeper:
    """Looks at keys."""

    def __init__(self, find: Callable[[str], ApiKey | None], refused: Callable[[str], None]) -> None:
        """`find` tells the entry of a key; `refused` hears the reason of every refusal, one of two words."""
        self._find = find
        self._refused = refused

    def let_in(self, metadata: Iterable[tuple[str, str | bytes]] | None, scope: Scope | None) -> None:
        """Note for the rest of the call who makes it; every key will do for the scope `None`.

        Raises:
            Unauthenticated, PermissionDenied: there is no key that is known, or it lacks the scope.
        """
        try:
            authenticated.set(self._key(metadata, scope).name)
        except ServiceError as error:
            self._refused(outcome_of(error).reason.lower())
            raise

    def _key(self, metadata: Iterable[tuple[str, str | bytes]] | None, scope: Scope | None) -> ApiKey:
        key = self._find(_secret(metadata))
        if key is None:
            raise Unauthenticated("the API key is not known, or no longer")
        if scope is not None and scope not in key.scopes:
            raise PermissionDenied(f"the API key lacks the scope {scope.value!r}")
        return key


class Authentication(ServerInterceptor):
    """Refuses calls without a key that is known and good for their method, before their message is looked at."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "_Handler | None":
        """The handler of the call, or one that refuses it."""
        method = handler_call_details.method
        if not method.startswith(_OPEN):
            try:
                self._doorkeeper.let_in(handler_call_details.invocation_metadata, SCOPES.get(method))
            except ServiceError as error:
                return _refusing(error, method)
        return await continuation(handler_call_details)


def _secret(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    values = [value for name, value in metadata or () if name == AUTHORIZATION]
    if len(values) == 1 and isinstance(value := values[0], str) and value.lower().startswith(_SCHEME):
        return value[len(_SCHEME) :].strip()
    raise Unauthenticated("an API key is needed: metadata 'authorization: Bearer KEY'")


def _refusing(error: ServiceError, method: str) -> _Handler:
    """A handler for calls of every kind: as a stream of both it waits for no message, and writes its line itself."""

    async def refuse(_: Any, context: ServicerContext[Any, Any]) -> None:
        code = outcome_of(error).code.name
        _log.info("call", extra={"method": method, "peer": context.peer(), "code": code, "seconds": 0.0})
        await context.abort_with_status(rpc_status.to_status(status_of(error)))

    handler: Any = refuse
    return grpc.stream_stream_rpc_method_handler(handler)
