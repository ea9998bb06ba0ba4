"""The HTTP side: metrics for Prometheus and probes, and beside them the routes of REST (server/api/rest/routes.py).

GET /metrics    everything in the registry, as Prometheus text or OpenMetrics, whichever is accepted
GET /livez      200 while the event loop answers and workers can be had, else 503 and why not
GET /readyz     200 when songs may be sent here, else 503 and why not
GET /version    what runs here, as JSON
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from server.api.http.unread_bodies import UnreadBodies
from server.api.rest.problems import problem_response


def build_http(
    registry: CollectorRegistry,
    *,
    unready: Callable[[], str | None],
    unwell: Callable[[], str | None] = lambda: None,
    version: Mapping[str, object] = MappingProxyType({}),
    more: Sequence[BaseRoute] = (),
    origins: Sequence[str] = (),
) -> Starlette:
    """The application; `unready` says why no songs should be sent here now, `unwell` why a new start is needed.

    Both say `None` when all is well. Pages of the `origins` may call, too.
    """

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    async def livez(_: Request) -> Response:
        return _verdict("alive", unwell())

    async def readyz(_: Request) -> Response:
        return _verdict("ready", unready())

    async def told_version(_: Request) -> Response:
        return JSONResponse(version)

    routes = {"/metrics": metrics, "/livez": livez, "/readyz": readyz, "/version": told_version}
    own = [Route(path, endpoint) for path, endpoint in routes.items()]
    return Starlette(
        routes=[*own, *more], middleware=_middleware(origins), exception_handlers={HTTPException: _refusal}
    )


def _middleware(origins: Sequence[str]) -> list[Middleware]:
    bodies = Middleware(UnreadBodies)
    if not origins:
        return [bodies]
    exposed = ("Content-Range", "ETag", "Location", "Preference-Applied", "Retry-After")
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=exposed,
    )
    return [bodies, cors]


async def _refusal(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem_response(error.status_code, error.detail, error.headers)


def _verdict(good: str, reason: str | None) -> Response:
    return PlainTextResponse(f"{reason or good}\n", status_code=503 if reason else 200)
