"""Load reports for balancers that send new songs to the least loaded server (ORCA, Envoy and gRFC A51).

A song lasts for minutes, and the end of its call would be the only report: a balancer may ask for reports meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeAlias

import grpc
from grpc.aio import ServicerContext

from melisma.orca.v1.load_report_pb2 import LoadReport, LoadReportRequest
from server.scheduling.queue_depth import QueueDepth

TRAILER_KEY = "endpoint-load-metrics-bin"
ORCA_SERVICE = "xds.service.orca.v3.OpenRcaService"
_SHORTEST_SECONDS = 1.0
_LONGEST_SECONDS = 3600.0
_RATE = 1000.0
"""A rate that is large enough for weights to differ, and equal on every server; the contract of the report explains it.
"""

Trailers: TypeAlias = tuple[tuple[str, bytes], ...]


class LoadReports:
    """Makes the trailer that every call ends with."""

    def __init__(
        self,
        depths: Callable[[], Mapping[str, QueueDepth]],
        slots: Callable[[], int],
        service: Callable[[], tuple[int, int] | None] = lambda: None,
    ) -> None:
        """`slots` tells the number of songs that can be made at once now.

        `service` gives songs and places of all servers where this one makes no songs itself, and `None` elsewhere: a
        server that is always empty would otherwise be sent most songs, and others would make them.
        """
        self._depths = depths
        self._slots = slots
        self._service = service

    def trailers(self) -> Trailers:
        """The state of the server now, at the end of a call."""
        return ((TRAILER_KEY, self._report().SerializeToString()),)

    def handler(self) -> grpc.GenericRpcHandler:
        """The ORCA service, which reports the state of the server periodically."""
        method = grpc.unary_stream_rpc_method_handler(
            self._stream, LoadReportRequest.FromString, LoadReport.SerializeToString
        )
        return grpc.method_handlers_generic_handler(ORCA_SERVICE, {"StreamCoreMetrics": method})

    async def _stream(self, request: LoadReportRequest, _: ServicerContext[Any, Any]) -> AsyncIterator[LoadReport]:
        asked_seconds = request.report_interval.seconds + request.report_interval.nanos / 1e9
        interval_seconds = min(max(asked_seconds, _SHORTEST_SECONDS), _LONGEST_SECONDS)
        while True:
            yield self._report()
            await asyncio.sleep(interval_seconds)

    def _report(self) -> LoadReport:
        depths = self._depths().values()
        waiting, running = sum(one.waiting_songs for one in depths), sum(one.running_songs for one in depths)
        songs, slots = self._service() or (waiting + running, self._slots())
        return LoadReport(
            application_utilization=(1 + songs) / max(1, slots),
            rps_fractional=_RATE,
            named_metrics={"queue_songs": waiting, "running_songs": running},
        )
