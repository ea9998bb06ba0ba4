"""All Prometheus metrics of the server: names, labels and buckets. docs/metrics.md lists them.

The names are a contract with dashboards and alerts: add, but do not rename. Labels have few possible values: engines,
devices, lanes and a few fixed words; never a song, a caller or a text of a request.

Every series that is known in advance begins at zero, because Prometheus cannot see the first event of a series that
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
    """Records the server's events in Prometheus metrics, one method for each kind of event.

    A method takes some microseconds. All run on one event loop, scrapes too. A `trace_id` is attached as exemplar to
    the bucket of the song (OpenMetrics), so that an operator can find the trace of an unusual value.
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
        """Set up the metrics of the configured engines and devices; the gauges of recent songs and work cover the last
        `window_seconds`.

        `clock` gives seconds and never goes back.
        """
        self.registry = registry
        window = Window(window_seconds, clock)
        self.songs = SongMetrics(registry, engines, window)
        self.streams = StreamMetrics(registry, engines, window)
        self.estimates = EstimateMetrics(registry, engines)
        self.devices = DeviceMetrics(registry, devices, window)
        self.calls = CallMetrics(registry)
