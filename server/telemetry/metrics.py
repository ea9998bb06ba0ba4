"""What the server tells Prometheus of itself: every name, its labels and its buckets. The README explains them.

The names are a contract with dashboards and alerts: add, but do not rename. Labels hold only what is bounded: engines,
devices, lanes and a few fixed words; never a song, a caller or anything else that comes in with a request.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from server.scheduling.queue_depth import Depth
from server.store.base import Usage
from server.telemetry.sliding_window import Recent, RecentSum, percentile
from server.workers.messages import Lane

UNKNOWN_ENGINE = "unknown"
"""The label of an engine that is not configured: a caller may ask for any name, and must not make a series with it."""

FIRST_AUDIO_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30)
SONG_BUCKETS = (0.5, 1, 2, 3, 4, 5, 6, 7.5, 10, 12.5, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
QUEUE_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
WORK_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
UNDERRUN_BUCKETS = (0, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
REALTIME_BUCKETS = (0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 50)
SECTION_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
FILL_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
ERROR_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60)
RATIO_BUCKETS = (0.1, 0.25, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4, 10)


class Outcome(StrEnum):
    """How a song ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    """It cannot be made as it was asked for, which was found only after it was let in."""
    CANCELLED = "cancelled"


class Estimated(StrEnum):
    """What the server foretells of a song: the time from its acceptance to then."""

    FIRST_AUDIO = "first_audio"
    FINISH = "finish"


class Metrics:
    """One method for every fact; each takes some microseconds. Everything happens on one event loop, scrapes too.

    A `trace_id` makes the song the exemplar of its bucket, as OpenMetrics has it: a way from a figure to a trace.
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
        """The metrics of the configured engines and devices; the gauges of recent songs and work look back so long.

        `clock` gives seconds and never goes back.
        """
        counter = partial(_counter, registry)
        histogram = partial(_histogram, registry)
        self._engines = frozenset(engines)

        self._accepted = counter("songs_accepted", "Songs let in", "engine")
        self._refused = counter("songs_refused", "Songs refused at once", "engine", "reason")
        self._ended = counter("songs_ended", "Songs that came to an end", "engine", "outcome")
        self._retried = counter("songs_retried", "Songs resumed after a failure", "engine", "reason")
        self._stalled = counter("songs_stalled", "Heard songs whose listener ran dry", "engine")
        self._sound = counter("sound_seconds", "Sound mastered and encoded", "engine")
        self._chunks = counter("chunks", "Chunks of MP3 put into streams", "engine")
        self._chunk_bytes = counter("chunk_bytes", "Bytes of MP3 put into streams", "engine")
        self._queued = histogram("song_queue_seconds", "From acceptance to the first work", QUEUE_BUCKETS, "engine")
        self._first = histogram("first_audio_seconds", "Acceptance to first chunk", FIRST_AUDIO_BUCKETS, "engine")
        self._latency = histogram("song_latency_seconds", "Acceptance to end, completed", SONG_BUCKETS, "engine")
        self._speed = histogram("song_realtime_factor", "Sound per second, completed", REALTIME_BUCKETS, "engine")
        self._underrun = histogram("song_underrun_seconds", "Time a listener ran dry", UNDERRUN_BUCKETS, "engine")
        self._encode = histogram("encode_seconds", "Mastering and encoding a piece", WORK_BUCKETS, "engine")
        # A histogram with bounds below zero would have no sum, so the sign of an error is a label.
        self._error = histogram(
            "estimate_error_seconds", "Estimate off by", ERROR_BUCKETS, "engine", "estimate", "direction"
        )
        self._ratio = histogram(
            "estimate_ratio", "Estimate divided by actual time", RATIO_BUCKETS, "engine", "estimate"
        )

        self._sections = histogram("batch_sections", "Sections in a step", SECTION_BUCKETS, "device", "engine")
        self._tokens = counter("step_tokens", "Tokens of all sections of all steps", "device", "engine")
        self._fill = histogram("batch_fill_ratio", "Tokens of a step in its budget", FILL_BUCKETS, "device", "engine")
        self._step = histogram("step_seconds", "One denoising step", WORK_BUCKETS, "device", "engine")
        self._render = histogram("render_seconds", "Rendering one window", WORK_BUCKETS, "device", "engine")
        self._rendered = counter("rendered_sound_seconds", "Sound rendered", "device", "engine")
        self._busy = counter("device_busy_seconds", "Time spent at work", "device", "lane")
        self._calls_refused = counter("calls_refused", "Calls without a good API key", "reason")
        self._keys = Gauge("melisma_keys_usable", "Whether the file of API keys can be read", registry=registry)
        self._keys.set(1)
        self._restarts = counter("worker_restarts", "Workers started anew after a loss", "device")
        self._up = Gauge("melisma_worker_up", "Whether the worker is up", ["device"], registry=registry)

        began_at = clock()

        def values() -> defaultdict[_Key, Recent]:
            return defaultdict(lambda: Recent(window_seconds, clock))

        self._recent_latency, self._recent_first, self._recent_underrun = values(), values(), values()
        self._recent_busy: defaultdict[_Key, RecentSum] = defaultdict(
            lambda: RecentSum(window_seconds, clock, began_at)
        )
        registry.register(_Scraped(self._recent_families))
        self._registry = registry
        self._begin_at_zero(engines, devices)

    def watch(self, depths: Callable[[], Mapping[str, Depth]]) -> None:
        """Read the depths of the engines at every scrape; to be called once."""
        self._registry.register(_Scraped(lambda: _depth_families(depths())))

    def watch_ready(self, ready: Callable[[], bool]) -> None:
        """Read at every scrape whether songs may be sent here; to be called once."""
        gauge = Gauge("melisma_ready", "Whether songs may be sent here", registry=self._registry)
        gauge.set_function(lambda: float(ready()))

    def limits(self, *, running_songs: int, queue_songs: int, connections: int) -> None:
        """How much there can be at most; to be called once."""
        for name, text, value in (
            ("running_songs_limit", "Songs that can be made at once", running_songs),
            ("queue_songs_limit", "Songs that may wait", queue_songs),
            ("connections_limit", "Connections at once", connections),
        ):
            Gauge(f"melisma_{name}", text, registry=self._registry).set(value)

    def watch_songs(self, usage: Callable[[], Usage], listeners: Callable[[], int]) -> None:
        """Read what is kept, and how many listen, at every scrape; to be called once."""
        self._registry.register(_Scraped(lambda: _song_families(usage(), listeners())))

    def song_accepted(self, engine: str) -> None:
        """A song was let in."""
        self._accepted.labels(engine).inc()

    def built(self, version: str, revision: str) -> None:
        """What runs here; to be called once."""
        labels = ["version", "revision"]
        Gauge("melisma_build_info", "Always 1", labels, registry=self._registry).labels(version, revision).set(1)

    def call_refused(self, reason: str) -> None:
        """A call was not let in; `reason` is one of two words."""
        self._calls_refused.labels(reason).inc()

    def keys_usable(self, usable: bool) -> None:
        """The file of API keys could be read at the last look, or not; without such a file it never fails."""
        self._keys.set(usable)

    def song_refused(self, reason: str, engine: str) -> None:
        """A song was refused; `reason` is one of a few fixed words, `engine` whatever was asked for."""
        self._refused.labels(engine if engine in self._engines else UNKNOWN_ENGINE, reason).inc()

    def song_started(self, engine: str, queued_seconds: float, trace_id: str = "") -> None:
        """The first work on a song began, so long after it was let in."""
        self._queued.labels(engine).observe(queued_seconds, _exemplar(trace_id))

    def first_audio(self, engine: str, seconds: float, trace_id: str = "") -> None:
        """A song's first chunk was made, so long after the song was let in."""
        self._first.labels(engine).observe(seconds, _exemplar(trace_id))
        self._recent_first[engine,].add(seconds)

    def song_ended(
        self, engine: str, outcome: Outcome, seconds: float, sound_seconds: float, trace_id: str = ""
    ) -> None:
        """A song ended, so long after it was let in; latency and speed are those of completed songs alone."""
        self._ended.labels(engine, outcome).inc()
        if outcome is not Outcome.COMPLETED:
            return
        self._latency.labels(engine).observe(seconds, _exemplar(trace_id))
        self._recent_latency[engine,].add(seconds)
        if seconds > 0:
            self._speed.labels(engine).observe(sound_seconds / seconds)

    def song_retried(self, engine: str, cause: str) -> None:
        """A song is resumed from its last section boundary; `cause` is one of a few fixed words."""
        self._retried.labels(engine, cause).inc()

    def underrun(self, engine: str, seconds: float, trace_id: str = "") -> None:
        """A song that was heard has ended; a listener in real time ran dry for so long in all, 0 for never."""
        self._underrun.labels(engine).observe(seconds, _exemplar(trace_id))
        self._recent_underrun[engine,].add(seconds)
        if seconds > 0:
            self._stalled.labels(engine).inc()

    def step(self, device: str, engine: str, *, sections: int, tokens: int, budget_tokens: int, seconds: float) -> None:
        """One denoising step of a batch was done."""
        self._sections.labels(device, engine).observe(sections)
        self._tokens.labels(device, engine).inc(tokens)
        self._fill.labels(device, engine).observe(tokens / budget_tokens)
        self._step.labels(device, engine).observe(seconds)

    def render(self, device: str, engine: str, *, seconds: float, sound_seconds: float) -> None:
        """One window was rendered."""
        self._render.labels(device, engine).observe(seconds)
        self._rendered.labels(device, engine).inc(sound_seconds)

    def busy(self, device: str, lane: Lane, seconds: float) -> None:
        """A lane of a device was at work for so long until now, with whatever it was."""
        self._busy.labels(device, lane.value).inc(seconds)
        self._recent_busy[device, lane.value].add(seconds)

    def worker_restarted(self, device: str) -> None:
        """A worker was started in the place of one that was lost."""
        self._restarts.labels(device).inc()

    def worker_up(self, device: str, up: bool) -> None:
        """The worker of a device has loaded its engines, or is gone."""
        self._up.labels(device).set(up)

    def estimate(self, engine: str, what: Estimated, *, estimated: float, actual: float) -> None:
        """What was foretold has happened; both in seconds since the song was let in."""
        direction = "late" if actual > estimated else "early"
        self._error.labels(engine, what, direction).observe(abs(estimated - actual))
        if actual > 0:
            self._ratio.labels(engine, what).observe(estimated / actual)

    def encoded(self, engine: str, *, seconds: float, sound_seconds: float) -> None:
        """A piece of sound was mastered and encoded."""
        self._encode.labels(engine).observe(seconds)
        self._sound.labels(engine).inc(sound_seconds)

    def chunk(self, engine: str, size_bytes: int) -> None:
        """A chunk was put into a stream."""
        self._chunks.labels(engine).inc()
        self._chunk_bytes.labels(engine).inc(size_bytes)

    def _begin_at_zero(self, engines: Sequence[str], devices: Sequence[str]) -> None:
        """Rates need a zero to rise from: a series that begins at 1 has missed its first event."""
        for engine in engines:
            for metric in (self._accepted, self._stalled, self._sound, self._chunks, self._chunk_bytes):
                metric.labels(engine)
            for outcome in Outcome:
                self._ended.labels(engine, outcome)
        for reason in ("unauthenticated", "permission_denied"):
            self._calls_refused.labels(reason)
        for device in devices:
            self._restarts.labels(device)
            self._up.labels(device)

    def _recent_families(self) -> Iterator[Metric]:
        for name, text, recent in (
            ("song_latency", "completed songs, from acceptance to end", self._recent_latency),
            ("first_audio", "songs, from acceptance to the first chunk", self._recent_first),
        ):
            p95s = {key: percentile(values, 95) for key, one in recent.items() if (values := one.values())}
            yield _gauge(f"{name}_p95_seconds", f"95th percentile of recent {text}", ["engine"], p95s)
        free = {key: _share_of_zero(values) for key, one in self._recent_underrun.items() if (values := one.values())}
        yield _gauge("stall_free_ratio", "Recent songs whose listener never ran dry", ["engine"], free)
        # A long piece of work counts when it ends: right after that it may exceed the time that is looked at.
        busy = {key: min(1.0, one.per_second()) for key, one in self._recent_busy.items()}
        yield _gauge("device_busy_ratio", "Recent time spent at work", ["device", "lane"], busy)


_Key: TypeAlias = tuple[str, ...]


class _Scraped(Collector):
    """Families that are made when somebody asks for them."""

    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    @override
    def collect(self) -> Iterator[Metric]:
        return self._families()


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"melisma_{name}", text, labels, registry=registry)


def _histogram(registry: CollectorRegistry, name: str, text: str, bounds: Sequence[float], *labels: str) -> Histogram:
    return Histogram(f"melisma_{name}", text, labels, registry=registry, buckets=bounds)


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[_Key, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"melisma_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _depth_families(depths: Mapping[str, Depth]) -> Iterator[Metric]:
    def by_engine(read: Callable[[Depth], int]) -> dict[_Key, float]:
        return {(engine,): read(depth) for engine, depth in depths.items()}

    yield _gauge("queue_songs", "Songs that wait", ["engine"], by_engine(lambda depth: depth.waiting_songs))
    yield _gauge("running_songs", "Songs being made", ["engine"], by_engine(lambda depth: depth.running_songs))
    yield _gauge("queue_sections", "Sections not begun", ["engine"], by_engine(lambda depth: depth.waiting_sections))
    yield _gauge("open_sections", "Sections being made", ["engine"], by_engine(lambda depth: depth.open_sections))


def _song_families(usage: Usage, listeners: int) -> Iterator[Metric]:
    yield _gauge("stored_songs", "Songs in the store", [], {(): usage.songs})
    yield _gauge("stored_bytes", "Sound in the store", [], {(): usage.size_bytes})
    yield _gauge("listeners", "Listeners of all songs now", [], {(): listeners})


def _exemplar(trace_id: str) -> dict[str, str] | None:
    return {"trace_id": trace_id} if trace_id else None


def _share_of_zero(values: Sequence[float]) -> float:
    return sum(value == 0 for value in values) / len(values)
