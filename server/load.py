"""How loaded this server is, for balancers that send new songs to where most room is (ORCA, Envoy and gRFC A51)."""

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from melisma.orca.v1.load_report_pb2 import LoadReport
from server.depth import Depth
from server.recent import RecentSum

TRAILER_KEY = "endpoint-load-metrics-bin"
_WINDOW_SECONDS = 60.0
_MIN_PER_SECOND = 1 / _WINDOW_SECONDS
"""A server that has made nothing yet would otherwise have no weight at all."""

Trailers: TypeAlias = tuple[tuple[str, bytes], ...]


class LoadReports:
    """Makes the trailer that every call ends with."""

    def __init__(
        self, depths: Callable[[], Mapping[str, Depth]], places: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`places` is the number of songs that can be made at once."""
        self._depths = depths
        self._places = places
        self._ended = RecentSum(_WINDOW_SECONDS, clock, clock())

    def trailers(self, *, song: bool) -> Trailers:
        """The state of the server now, at the end of a call; `song`: the call was for one."""
        self._ended.add(float(song))
        depths = self._depths().values()
        waiting, running = sum(one.waiting_songs for one in depths), sum(one.running_songs for one in depths)
        report = LoadReport(
            application_utilization=(waiting + running) / self._places,
            rps_fractional=max(_MIN_PER_SECOND, self._ended.per_second()),
            named_metrics={"queue_songs": waiting, "running_songs": running},
        )
        return ((TRAILER_KEY, report.SerializeToString()),)
