"""Metrics of songs, from acceptance to end: counts, queueing time and latency."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from server.telemetry.instruments import LabelValues, Scraped, counter, exemplar, gauge_family, histogram
from server.telemetry.sliding_window import SlidingWindow, Window, percentile

UNKNOWN_ENGINE = "unknown"
"""Label value for engines that are not configured, because engine names from callers must not create new series."""

FIRST_AUDIO_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30)
SONG_BUCKETS = (0.5, 1, 2, 3, 4, 5, 6, 7.5, 10, 12.5, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
QUEUE_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
REALTIME_BUCKETS = (0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 50)


class SongOutcome(StrEnum):
    """Outcome of a song, as a label value: completed, failed, rejected or cancelled."""

    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    """The request was found to be invalid after the song's admission."""
    CANCELLED = "cancelled"


class SongVerdict(StrEnum):
    """Effect of a song's end on the measured availability of the service, as a label value: good, or the reason why the
    song counts as bad.
    """

    GOOD = "good"
    """The song was completed, and a listener in real time would have had no buffer underrun."""
    STALLED = "stalled"
    FAILED = "failed"
    REFUSED = "refused"
    """The song was refused because of a fault of the service: a reason in `OWN_REASONS`."""
    INTERRUPTED = "interrupted"
    """The song has lost its server, and no other server could continue it."""


OWN_REASONS = (
    "overloaded",
    "song_store_full",
    "checks_overloaded",
    "engine_not_ready",
    "worker_lost",
    "draining",
    "store_unavailable",
    "internal",
)
"""Reasons for refusing a song that are faults of the service, as label values."""
CALLER_REASONS = ("deadline_too_short", "quota_exceeded", "poisoned_request")
"""Reasons for refusing a song that are faults of its caller, as label values."""
RETRY_CAUSES = ("worker_lost", "encoder_lost", "memory", "bug")
"""Failures after which a song is continued by another attempt, as label values."""


class SongMetrics:
    """Metrics of songs by engine: counts, queueing times, latencies and availability."""

    def __init__(self, registry: CollectorRegistry, engines: Sequence[str], window: Window) -> None:
        self._engines = frozenset(engines)
        self._count_songs(registry)
        self._measure_times(registry)
        self._recent_latency: defaultdict[LabelValues, SlidingWindow] = defaultdict(window.values)
        self._recent_first: defaultdict[LabelValues, SlidingWindow] = defaultdict(window.values)
        registry.register(Scraped(self._recent_families))
        self._interrupted_before: list[str] = []
        registry.register(Scraped(self._judge_former_songs))
        self._begin_at_zero(engines)

    def _count_songs(self, registry: CollectorRegistry) -> None:
        """Register the counters by engine: songs accepted, refused, retried, ended and counted for availability, and
        the seconds for which songs were paused because of their listeners.
        """
        count = partial(counter, registry)
        self._accepted = count("songs_accepted", "Number of songs that were accepted into the queue", "engine")
        self._refused = count(
            "songs_refused",
            "Number of songs that were refused, by reason; engine is unknown for an engine that is not configured",
            "engine",
            "reason",
        )
        self._ended = count(
            "songs_ended",
            "Number of songs that ended, by outcome; rejected: found to be invalid after acceptance",
            "engine",
            "outcome",
        )
        self._judged = count(
            "songs_judged",
            "Number of songs that count for availability, by verdict; good: completed without a buffer underrun",
            "engine",
            "verdict",
        )
        self._held = count(
            "song_held_seconds",
            "Seconds in which songs were paused because their listeners did not read the sound",
            "engine",
        )
        self._retried = count(
            "songs_retried",
            "Number of songs that were resumed after a failure, by reason; after encoder_lost from their beginning",
            "engine",
            "reason",
        )

    def _measure_times(self, registry: CollectorRegistry) -> None:
        """Register the histograms of songs, by engine: queueing time, time to first audio, latency and speed."""
        measure = partial(histogram, registry)
        self._queued = measure(
            "song_queue_seconds",
            "Time from the acceptance of a song to the first work on it, in seconds",
            QUEUE_BUCKETS,
            "engine",
        )
        self._first = measure(
            "first_audio_seconds",
            "Time from the acceptance of a song to its first chunk of sound, in seconds",
            FIRST_AUDIO_BUCKETS,
            "engine",
        )
        self._latency = measure(
            "song_latency_seconds",
            "Seconds from acceptance to the end of a completed song, without pauses caused by its listeners",
            SONG_BUCKETS,
            "engine",
        )
        self._speed = measure(
            "song_realtime_factor",
            "Length of a completed song divided by its latency (melisma_song_latency_seconds)",
            REALTIME_BUCKETS,
            "engine",
        )

    def accepted(self, engine: str) -> None:
        """Record that a song was admitted."""
        self._accepted.labels(engine).inc()

    def refused(self, reason: str, engine: str) -> None:
        """Record that a song was refused; `reason` is one of a few fixed words, `engine` the requested engine."""
        known = engine in self._engines
        self._refused.labels(engine if known else UNKNOWN_ENGINE, reason).inc()
        if known and reason in OWN_REASONS:
            self.judged(engine, SongVerdict.REFUSED)

    def judged(self, engine: str, verdict: SongVerdict) -> None:
        """Record that a song has ended or was refused, and its effect on the measured availability of the service."""
        self._judged.labels(engine, verdict).inc()

    def interrupted(self, engine: str) -> None:
        """Record that a song has lost its server and that no other server can continue it."""
        self.judged(engine if engine in self._engines else UNKNOWN_ENGINE, SongVerdict.INTERRUPTED)

    def interrupted_before(self, engine: str) -> None:
        """Record that an earlier run of this server ended before a song of `engine` was complete."""
        self._interrupted_before.append(engine)

    def held(self, engine: str, seconds: float) -> None:
        """Record the total time in seconds for which a song was paused because its listeners did not read."""
        self._held.labels(engine).inc(seconds)

    def started(self, engine: str, queued_seconds: float, trace_id: str = "") -> None:
        """Record that work on a song began, `queued_seconds` after its admission."""
        self._queued.labels(engine).observe(queued_seconds, exemplar(trace_id))

    def first_audio(self, engine: str, seconds: float, trace_id: str = "") -> None:
        """Record that the first chunk of a song was made `seconds` after the song's admission."""
        self._first.labels(engine).observe(seconds, exemplar(trace_id))
        self._recent_first[engine,].add(seconds)

    def retried(self, engine: str, cause: str) -> None:
        """Record that a song is continued by another attempt after a failure; `cause` is one of a few fixed words."""
        self._retried.labels(engine, cause).inc()

    def ended(
        self, engine: str, outcome: SongOutcome, seconds: float, sound_seconds: float, trace_id: str = ""
    ) -> None:
        """Record that a song ended `seconds` after its admission, not counting the time for which its listeners paused
        it. `sound_seconds` is the length of its sound.

        Latency and speed are measured only for completed songs.
        """
        self._ended.labels(engine, outcome).inc()
        if outcome is not SongOutcome.COMPLETED:
            return
        self._latency.labels(engine).observe(seconds, exemplar(trace_id))
        self._recent_latency[engine,].add(seconds)
        if seconds > 0:
            self._speed.labels(engine).observe(sound_seconds / seconds)

    def _begin_at_zero(self, engines: Sequence[str]) -> None:
        for engine in engines:
            for series in (self._accepted, self._held, self._queued, self._first, self._latency, self._speed):
                series.labels(engine)
            for outcome in SongOutcome:
                self._ended.labels(engine, outcome)
            for verdict in SongVerdict:
                self._judged.labels(engine, verdict)
            for reason in (*OWN_REASONS, *CALLER_REASONS):
                self._refused.labels(engine, reason)
            for cause in RETRY_CAUSES:
                self._retried.labels(engine, cause)
        self._refused.labels(UNKNOWN_ENGINE, "unknown_engine")

    def _judge_former_songs(self) -> Iterator[Metric]:
        """Count the songs that earlier runs of the server left incomplete as interrupted, and yield no metric. This
        happens in the first scrape, after the counter was read, so that Prometheus sees the counter increase from zero.
        """
        former, self._interrupted_before = self._interrupted_before, []
        for engine in former:
            self.interrupted(engine)
        return iter(())

    def _recent_families(self) -> Iterator[Metric]:
        for name, text, recent in (
            ("song_latency", "seconds from acceptance to end of completed songs", self._recent_latency),
            ("first_audio", "seconds from acceptance to the first chunk of songs", self._recent_first),
        ):
            p95s = {key: percentile(values, 95) for key, one in recent.items() if (values := one.values())}
            yield gauge_family(
                f"{name}_p95_seconds", f"95th percentile of the {text}, over the last five minutes", ["engine"], p95s
            )
