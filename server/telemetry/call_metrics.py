"""Metrics of gRPC and HTTP calls, and of API keys and certificates."""

from collections.abc import Callable, Iterator, Mapping

import grpc
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import Metric

from melisma.v1 import music_pb2
from server.contract.status import OUTCOMES
from server.telemetry.instruments import LabelValues, Scraped, by_labels, counter, gauge_family, histogram

CALL_BUCKETS = (0.01, 0.05, 0.25, 1, 5, 30, 120, 600)
METHODS = tuple(method.name for method in music_pb2.DESCRIPTOR.services_by_name["MusicService"].methods)
CODES = frozenset({grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN, *(one.code for one in OUTCOMES.values())})
"""gRPC status codes with which calls of this service can end, as label values."""
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
"""Classes of HTTP statuses, as label values. A call whose client disconnected before the response counts as 4xx."""

_SHORTEST_STATUS = 100


class CallMetrics:
    """Metrics of calls: counts and durations, refused calls, and the state of the file of API keys."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count_rpcs(registry)
        self._count_http(registry)
        self._count_refusals(registry)

    def _count_rpcs(self, registry: CollectorRegistry) -> None:
        """Register the metrics of gRPC calls: numbers and durations."""
        self._rpcs = by_labels(
            counter(
                registry,
                "rpcs",
                "Number of ended calls of the gRPC service MusicService, by status code",
                "method",
                "code",
            )
        )
        self._rpc_seconds = by_labels(
            histogram(
                registry,
                "rpc_seconds",
                "Duration of a call of the gRPC service MusicService, in seconds",
                CALL_BUCKETS,
                "method",
            )
        )

    def _count_http(self, registry: CollectorRegistry) -> None:
        """Register the metrics of REST calls: numbers and durations."""
        self._http = by_labels(
            counter(
                registry,
                "http_calls",
                "Number of ended REST calls, by class of HTTP status",
                "method",
                "route",
                "status",
            )
        )
        self._http_seconds = by_labels(
            histogram(registry, "http_seconds", "Duration of a REST call, in seconds", CALL_BUCKETS, "method", "route")
        )

    def _count_refusals(self, registry: CollectorRegistry) -> None:
        """Register the metrics of refused calls and of the file of API keys."""
        self._refused = counter(
            registry,
            "calls_refused",
            "Number of calls that were refused, by reason: no valid API key, or a key without the right to the method",
            "reason",
        )
        self._keys = Gauge(
            "melisma_keys_usable",
            "1 if the file of API keys was valid when last read, else 0; then the keys read before stay valid",
            registry=registry,
        )
        self._keys.set(1)
        for reason in ("unauthenticated", "permission_denied"):
            self._refused.labels(reason)

    def serve_rpcs(self) -> None:
        """Create all metric series of gRPC calls with the value zero, on a server that accepts calls."""
        for method in METHODS:
            self._rpc_seconds(method)
            for code in CODES:
                self._rpcs(method, code.name)

    def rpc(self, method: str, code: grpc.StatusCode, seconds: float) -> None:
        """Record that a call has ended with `code` after `seconds`. `method` is the full gRPC name, such as
        "/melisma.v1.MusicService/Generate"; calls of other services are ignored.
        """
        name = method.rpartition("/")[2]
        if name in METHODS:
            self._rpcs(name, code.name).inc()
            self._rpc_seconds(name).observe(seconds)

    def serve_http(self, method: str, route: str) -> None:
        """Create all metric series of a REST route with the value zero."""
        self._http_seconds(method, route)
        for status in STATUSES:
            self._http(method, route, status)

    def http(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record that a REST call has ended with the HTTP status `status` after `seconds`; `route` is the template of
        its path.
        """
        self._http(method, route, STATUSES[status // _SHORTEST_STATUS - 1]).inc()
        self._http_seconds(method, route).observe(seconds)

    def refused(self, reason: str) -> None:
        """Record that a call was refused; `reason` is one of a few fixed words, such as "too_many_calls"."""
        self._refused.labels(reason).inc()

    def keys_usable(self, usable: bool) -> None:
        """Record the state of the file of API keys at the last check: True if it was valid."""
        self._keys.set(usable)


def expose_expiry(
    registry: CollectorRegistry,
    *,
    certificates: Callable[[], Mapping[str, float]],
    next_key: Callable[[], float | None],
) -> None:
    """Register gauges of the times, in seconds since 1970, at which certificates and API keys expire.

    The times are read at every scrape. `certificates` returns them by the certificate's purpose; `next_key` returns the
    first time at which a caller has no valid key left, `None` if no key expires.
    """

    registry.register(Scraped(lambda: _expiry_families(certificates(), next_key())))


def _expiry_families(certificates: Mapping[str, float], next_key: float | None) -> Iterator[Metric]:
    ends: dict[LabelValues, float] = {(use,): end for use, end in certificates.items()}
    text = "Time at which the first certificate of a TLS file expires, in seconds since 1970"
    yield gauge_family("certificate_expiry_timestamp_seconds", text, ["use"], ends)
    keys: dict[LabelValues, float] = {} if next_key is None else {(): next_key}
    text = "Time at which the next caller will have no valid API key, in seconds since 1970; absent if no key expires"
    yield gauge_family("api_key_expiry_timestamp_seconds", text, [], keys)
