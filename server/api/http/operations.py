"""HTTP routes for operators: metrics for Prometheus and probes, on the port of REST or on a port of their own.

GET /metrics    everything in the registry, as Prometheus text or OpenMetrics, whichever is accepted
GET /livez      200 while the event loop answers and workers can be started, else 503 and the reason
GET /readyz     200 when songs may be sent here, else 503 and the reason; one more line if songs cannot be stored
                with ?full=ok also 200 if the queue is nearly full
GET /version    version and build of the server, as JSON
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
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

from server.api.http.guard import Guard, Rules
from server.api.rest.problems import problem_response
from server.api.rest.streamed_song import HEADERS

_FULL_IS_READY = ("full", "ok")
OPERATIONS = ("/metrics", "/livez", "/readyz", "/version")


def operations_routes(
    registry: CollectorRegistry,
    *,
    readiness_problem: Callable[[], str | None],
    problem_though_full: Callable[[], str | None] | None = None,
    liveness_problem: Callable[[], str | None] = lambda: None,
    unkept: Callable[[], str | None] = lambda: None,
    version: Mapping[str, object] = MappingProxyType({}),
) -> list[BaseRoute]:
    """Return the routes for operators. `readiness_problem` returns the reason for which no songs should be sent to this
    server, `liveness_problem` the reason for which the server should be restarted.

    `problem_though_full` returns the readiness problem without counting a nearly full queue; by default it is
    `readiness_problem`. `unkept` returns the reason for which songs can be listened to but not stored. Each of these
    functions returns `None` if there is no problem.
    """

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    async def livez(_: Request) -> Response:
        return _verdict("alive", liveness_problem())

    async def readyz(request: Request) -> Response:
        asked = request.query_params.multi_items()
        if asked not in ([], [_FULL_IS_READY]):
            text = "the only parameter of /readyz is full=ok: with it a queue that is nearly full is ready\n"
            return PlainTextResponse(text, status_code=400)
        lost, check = unkept(), problem_though_full if asked and problem_though_full else readiness_problem
        return _verdict(f"ready\nthe store cannot store songs now: {lost}" if lost else "ready", check())

    async def version_route(_: Request) -> Response:
        return JSONResponse(version)

    routes = dict(zip(OPERATIONS, (metrics, livez, readyz, version_route), strict=True))
    return [Route(path, endpoint) for path, endpoint in routes.items()]


def application(routes: Sequence[BaseRoute], rules: Rules | None = None) -> Starlette:
    """Return an ASGI application with the given routes, which refuses requests that break the `rules`."""
    rules = replace(rules or Rules(), open_paths=OPERATIONS)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, rules=rules), *_cors(rules.origins)],
        exception_handlers={HTTPException: _refusal},
    )
    app.router.redirect_slashes = False  # a redirect would have the server's own address, not the one that callers use
    return app


def _cors(origins: Collection[str]) -> list[Middleware]:
    if not origins:
        return []
    exposed = (*HEADERS, "Content-Range", "ETag", "Location", "Preference-Applied", "Retry-After")
    cors = Middleware(
        CORSMiddleware,
        allow_origins=tuple(origins),
        allow_methods=("GET", "HEAD", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=exposed,
    )
    return [cors]


async def _refusal(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem_response(error.status_code, error.detail, error.headers)


def _verdict(good: str, reason: str | None) -> Response:
    return PlainTextResponse(f"{reason or good}\n", status_code=503 if reason else 200)
