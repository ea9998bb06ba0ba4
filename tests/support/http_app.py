"""Builds the web application of an HTTP port with metrics, probes and further routes."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from server.api.http.operations import application, operations_routes


def build_http(
    registry: CollectorRegistry,
    *,
    readiness_problem: Callable[[], str | None],
    problem_though_full: Callable[[], str | None] | None = None,
    liveness_problem: Callable[[], str | None] = lambda: None,
    unkept: Callable[[], str | None] = lambda: None,
    version: Mapping[str, object] = MappingProxyType({}),
    more: Sequence[BaseRoute] = (),
) -> Starlette:
    """Return the application with metrics, probes and the routes `more`; see `operations_routes` for the other
    parameters.
    """
    own = operations_routes(
        registry,
        readiness_problem=readiness_problem,
        problem_though_full=problem_though_full,
        liveness_problem=liveness_problem,
        unkept=unkept,
        version=version,
    )
    return application([*own, *more])
