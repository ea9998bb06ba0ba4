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
"""Function that returns the reason, for the operator, why a service should get no new songs now; `None` if it is ready
for songs."""

_Context: TypeAlias = ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
_untyped: Any = health_pb2
"""The module `health_pb2`, typed as Any, because the published type stubs lack the messages of the method List."""


class HealthServicer(health_pb2_grpc.HealthServicer):
    """Health service: reports SERVING for each gRPC service of the server that has no problem.

    Its only state is the list of watchers. The server calls `changed` when the result of a check may have changed.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """Set up the health servicer; `checks` maps the name of each gRPC service to its check, and "" to the check of
        the whole server. A check returns the reason for which the service is not SERVING, `None` if it is.
        """
        self._checks = checks
        self._changed = asyncio.Event()
        self._closed = False

    @classmethod
    def alike(cls, check: Check) -> Self:
        """Create a health service that uses one check both for the whole server and for MusicService."""
        return cls({"": check, MUSIC_SERVICE: check})

    def changed(self) -> None:
        """Wake the watchers, so that each computes its status again and sends it if it has changed. Call it on the
        event loop.
        """
        self._changed.set()
        self._changed = asyncio.Event()

    def readiness_problem(self, service: str = MUSIC_SERVICE) -> str | None:
        """Return the reason, for the operator, for which a service is not SERVING now; `None` if it is SERVING.

        A service that this server does not have, such as MusicService on a server of the role generator, has the status
        of the server as a whole.
        """
        if self._closed:
            return "the server is shutting down"
        return self._checks.get(service, self._checks[""])()

    @property
    def closed(self) -> bool:
        """True after `close` was called, because the server is shutting down."""
        return self._closed

    def close(self) -> None:
        """Report NOT_SERVING for every service from now on, and end the streams of watchers, which would delay the
        shutdown.
        """
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
