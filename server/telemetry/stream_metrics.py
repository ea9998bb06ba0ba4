"""Metrics of the encoded sound that songs stream to their listeners."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from server.telemetry.instruments import (
    WORK_BUCKETS,
    LabelValues,
    Scraped,
    by_labels,
    counter,
    exemplar,
    gauge_family,
    histogram,
)
from server.telemetry.sliding_window import SlidingWindow, Window

UNDERRUN_BUCKETS = (0, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class StreamMetrics:
    """Metrics of streams by engine: encoding, chunks, and buffer underruns of listeners."""

    def __init__(self, registry: CollectorRegistry, engines: Sequence[str], window: Window) -> None:
        self._measure_sound(registry)
        self._measure_underruns(registry)
        self._recent_underrun: defaultdict[LabelValues, SlidingWindow] = defaultdict(window.values)
        registry.register(Scraped(self._recent_families))
        for engine in engines:
            self._stalled.labels(engine)
            self._underrun.labels(engine)
            for series in (self._sound, self._chunks, self._chunk_bytes, self._encode):
                series(engine)

    def _measure_underruns(self, registry: CollectorRegistry) -> None:
        """Register the metrics of buffer underruns of listeners in real time."""
        count, measure = partial(counter, registry), partial(histogram, registry)
        self._stalled = count(
            "songs_stalled",
            "Number of songs in which a listener in real time has at least one buffer underrun",
            "engine",
        )
        self._underrun = measure(
            "song_underrun_seconds",
            "Total buffer underruns in seconds of a listener who plays a song in real time from its first chunk",
            UNDERRUN_BUCKETS,
            "engine",
        )

    def _measure_sound(self, registry: CollectorRegistry) -> None:
        """Register the metrics of encoded sound: seconds, chunks, bytes, and the duration of encoding."""
        count, measure = partial(counter, registry), partial(histogram, registry)
        self._sound = by_labels(
            count(
                "sound_seconds",
                "Seconds of sound that were mastered and encoded; songs that began again count twice",
                "engine",
            )
        )
        self._chunks = by_labels(
            count("chunks", "Number of chunks of encoded sound that were added to streams", "engine")
        )
        self._chunk_bytes = by_labels(
            count("chunk_bytes", "Bytes of encoded sound that were added to streams", "engine")
        )
        self._encode = by_labels(
            measure(
                "encode_seconds",
                "Duration of mastering and encoding one window of sound, in seconds",
                WORK_BUCKETS,
                "engine",
            )
        )

    def encoded(self, engine: str, *, seconds: float, sound_seconds: float) -> None:
        """Record that one window (a stretch of sound rendered at once), `sound_seconds` long, was mastered and encoded
        in `seconds`.
        """
        self._encode(engine).observe(seconds)
        self._sound(engine).inc(sound_seconds)

    def chunk(self, engine: str, size_bytes: int) -> None:
        """Record that a chunk of `size_bytes` was appended to a song's stream."""
        self._chunks(engine).inc()
        self._chunk_bytes(engine).inc(size_bytes)

    def underrun(self, engine: str, seconds: float, trace_id: str = "") -> None:
        """Record the buffer underruns of an ended song: `seconds` in total, for a listener who plays it in real time
        from the first chunk.
        """
        self._underrun.labels(engine).observe(seconds, exemplar(trace_id))
        self._recent_underrun[engine,].add(seconds)
        if seconds > 0:
            self._stalled.labels(engine).inc()

    def _recent_families(self) -> Iterator[Metric]:
        free = {key: _share_of_zero(values) for key, one in self._recent_underrun.items() if (values := one.values())}
        yield gauge_family(
            "stall_free_ratio",
            "Share of the songs of the last five minutes that a listener plays in real time without a buffer underrun",
            ["engine"],
            free,
        )


def _share_of_zero(values: Sequence[float]) -> float:
    return sum(value == 0 for value in values) / len(values)
