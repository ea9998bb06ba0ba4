"""Sends load reports (ORCA; Envoy, gRFC A51) to load balancers, which send new songs to the least loaded server.

The call of a song lasts for minutes and reports only at its end. Load balancers can therefore subscribe to periodic
reports.
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
"""Rate of calls per second in every load report: a constant, so that load balancers weight servers by utilization
alone."""

Trailers: TypeAlias = tuple[tuple[str, bytes], ...]


class LoadReports:
    """Creates load reports: for the trailing metadata of every call, and for a stream of periodic reports."""

    def __init__(
        self,
        depths: Callable[[], Mapping[str, QueueDepth]],
        slots: Callable[[], int],
        service: Callable[[], tuple[int, int] | None] = lambda: None,
    ) -> None:
        """Set up the load reports. `depths` returns the queue depth of each engine on this server, and `slots` the
        number of songs that can be made at once now.

        On a server that makes no songs itself, `service` returns two numbers for all servers together: songs that wait
        or run, and slots (songs that can be made at once); on other servers it returns `None`. By its own numbers a
        server without workers would always look idle and get most songs.
        """
        self._depths = depths
        self._slots = slots
        self._service = service

    def trailers(self) -> Trailers:
        """Return the trailing metadata for the end of a call: one load report (ORCA), serialized."""
        return ((TRAILER_KEY, self._report().SerializeToString()),)

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the ORCA service, which sends load reports periodically."""
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
