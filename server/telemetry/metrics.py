"""All Prometheus metrics of the server: names, labels and buckets. docs/metrics.md lists them.

Dashboards and alerts depend on the names: metrics may be added, but not renamed. Labels have few possible values:
engines, devices, lanes (command queues) and a few fixed words; never a song, a caller or a text of a request.

Every series that is known in advance begins at zero, because Prometheus does not count the first event of a series that
begins at 1.
"""

import time
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from server.telemetry.call_metrics import CallMetrics
from server.telemetry.device_metrics import DeviceMetrics
from server.telemetry.estimate_metrics import EstimateMetrics
from server.telemetry.sliding_window import Window
from server.telemetry.song_metrics import SongMetrics
from server.telemetry.stream_metrics import StreamMetrics


class Metrics:
    """All Prometheus metrics of the server, grouped by subject; each method of a group records one kind of event.

    A method takes some microseconds. All methods and scrapes run on one event loop. A `trace_id` is attached to a
    song's sample as an exemplar (OpenMetrics), so that an operator can find the trace of an unusual value.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        engines: Sequence[str],
        devices: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        window_seconds: float = 300.0,
    ) -> None:
        """Set up the metrics of the configured engines and devices. Gauges of recent songs and work cover the last
        `window_seconds`.

        `clock` returns monotonic seconds.
        """
        self.registry = registry
        window = Window(window_seconds, clock)
        self.songs = SongMetrics(registry, engines, window)
        self.streams = StreamMetrics(registry, engines, window)
        self.estimates = EstimateMetrics(registry, engines)
        self.devices = DeviceMetrics(registry, devices, window)
        self.calls = CallMetrics(registry)
