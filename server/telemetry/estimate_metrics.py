"""Metrics of the server's own estimates (ETA): differences between estimated and actual times of songs."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import product

from prometheus_client import CollectorRegistry

from server.telemetry.instruments import histogram

ERROR_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60)
RATIO_BUCKETS = (0.1, 0.25, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4, 10)


class Estimated(StrEnum):
    """The times of a song that are estimated: first audio and end, both in seconds since its acceptance."""

    FIRST_AUDIO = "first_audio"
    FINISH = "finish"


class EstimateMetrics:
    """Metrics of estimates: estimated times of songs compared with the actual times, by engine."""

    def __init__(self, registry: CollectorRegistry, engines: Sequence[str]) -> None:
        # A histogram with negative bounds would have no sum, so the sign of the error is a label.
        signed = ("engine", "estimate", "direction")
        self._error = histogram(
            registry,
            "estimate_error_seconds",
            "Difference between the estimated and the actual time of a song, in seconds; late: later than estimated",
            ERROR_BUCKETS,
            *signed,
        )
        unsigned = ("engine", "estimate")
        text = "Estimated time of a song, such as that of its end, divided by the actual time"
        self._ratio = histogram(registry, "estimate_ratio", text, RATIO_BUCKETS, *unsigned)

        for engine, what in product(engines, Estimated):
            self._ratio.labels(engine, what)
            for direction in ("late", "early"):
                self._error.labels(engine, what, direction)

    def compared(self, engine: str, what: Estimated, *, estimated: float, actual: float) -> None:
        """Record an estimated time of a song and the actual time, both in seconds since the song's acceptance."""
        direction = "late" if actual > estimated else "early"
        self._error.labels(engine, what, direction).observe(abs(estimated - actual))
        if actual > 0:
            self._ratio.labels(engine, what).observe(estimated / actual)
