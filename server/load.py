"""How loaded this server is, for balancers that send new songs to where most room is (ORCA, Envoy and gRFC A51)."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from melisma.orca.v1.load_report_pb2 import LoadReport
from server.depth import Depth

TRAILER_KEY = "endpoint-load-metrics-bin"
_RATE = 1000.0
"""Large enough for weights to be told apart, and the same everywhere: the contract of the report says why."""

Trailers: TypeAlias = tuple[tuple[str, bytes], ...]


class LoadReports:
    """Makes the trailer that every call ends with."""

    def __init__(self, depths: Callable[[], Mapping[str, Depth]], places: int) -> None:
        """`places` is the number of songs that can be made at once."""
        self._depths = depths
        self._places = places

    def trailers(self) -> Trailers:
        """The state of the server now, at the end of a call."""
        depths = self._depths().values()
        waiting, running = sum(one.waiting_songs for one in depths), sum(one.running_songs for one in depths)
        report = LoadReport(
            application_utilization=(1 + waiting + running) / self._places,
            rps_fractional=_RATE,
            named_metrics={"queue_songs": waiting, "running_songs": running},
        )
        return ((TRAILER_KEY, report.SerializeToString()),)
