"""The gRPC health service (grpc.health.v1), whose result is computed from the state of the server at every check."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Self, TypeAlias

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1 import health_pb2, health_pb2_grpc
from typing_extensions import override

MUSIC_SERVICE = "melisma.v1.MusicService"
HEALTH_SERVICE = "grpc.health.v1.Health"

Check: TypeAlias = Callable[[], str | None]
"""Function that returns the reason why a service should get no songs now, for the operator; `None` if it should."""

_Context: TypeAlias = ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
_untyped: Any = health_pb2
"""The class without types, because the method List is missing in the published type stubs."""


class HealthServicer(health_pb2_grpc.HealthServicer):
    """Health service: reports SERVING for each gRPC service of the server that has no problem.

    Its only state is the list of watchers. The server calls `changed` when the result of a check may have changed.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """Set up the health servicer; `checks` has one check for each service of the server, and one under "" for the
        server as a whole.
        """
        self._checks = checks
        self._changed = asyncio.Event()
        self._closed = False

    @classmethod
    def alike(cls, check: Check) -> Self:
        """Create the health service with the same check for the whole server and for MusicService."""
        return cls({"": check, MUSIC_SERVICE: check})

    def changed(self) -> None:
        """Make all watchers check again. Call it on the event loop."""
        self._changed.set()
        self._changed = asyncio.Event()

    def readiness_problem(self, service: str = MUSIC_SERVICE) -> str | None:
        """Return the reason, for the operator, for which a service is not SERVING now; `None` if it is SERVING.

        A service that this server does not have, such as MusicService on a generator, has the status of the server as a
        whole.
        """
        if self._closed:
            return "the server is shutting down"
        return self._checks.get(service, self._checks[""])()

    @property
    def closed(self) -> bool:
        """True once the server is shutting down, after `close`."""
        return self._closed

    def close(self) -> None:
        """Report NOT_SERVING from now on, and end the streams of watchers, which would delay the shutdown."""
        self._closed = True
        self.changed()

    @override
    async def Check(self, request: health_pb2.HealthCheckRequest, context: _Context) -> health_pb2.HealthCheckResponse:
        """Return the status of one service now; NOT_FOUND for a service that this server does not have."""
        if request.service not in self._checks:
            await context.abort(
                grpc.StatusCode.NOT_FOUND,
                "this server has no service of that name: leave the name empty to check the whole server",
            )
        return health_pb2.HealthCheckResponse(status=self._status(request.service))

    @override
    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Send the status of one service now and whenever it changes; SERVICE_UNKNOWN for a service that does not
        exist.
        """
        sent: int | None = None
        while True:
            changed, closed = self._changed, self._closed
            if (status := self._status(request.service)) != sent:
                yield health_pb2.HealthCheckResponse(status=status)
                sent = status
            if closed:
                return
            await changed.wait()

    async def List(self, request: Any, context: Any) -> Any:
        """Return the status of every service now."""
        statuses = {name: health_pb2.HealthCheckResponse(status=self._status(name)) for name in self._checks}
        return _untyped.HealthListResponse(statuses=statuses)

    def _status(self, service: str) -> int:
        if service not in self._checks:
            return health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        response = health_pb2.HealthCheckResponse
        return response.SERVING if self.readiness_problem(service) is None else response.NOT_SERVING
