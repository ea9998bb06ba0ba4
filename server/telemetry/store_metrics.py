"""Metrics of the song store: of the embedded store of one server, or of a store that several servers share."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import Metric
from typing_extensions import override

from server.store.watcher import StorePart, StoreTrouble, Unwatched
from server.telemetry.instruments import LabelValues, Scraped, by_labels, counter, gauge_family, histogram
from server.telemetry.song_metrics import SongMetrics

CALL_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


@dataclass(frozen=True, slots=True, eq=False)
class _Seal:
    begun_at: float
    size_bytes: int


class FolderMetrics(Unwatched):
    """Metrics of an embedded store: failed calls, and songs that could not be stored."""

    def __init__(self, registry: CollectorRegistry, engines: Sequence[str], songs: SongMetrics) -> None:
        self._songs = songs
        self._errors = _errors(registry)
        self._not_kept = _not_kept(registry, engines)
        for reason in (StoreTrouble.FULL, StoreTrouble.BROKEN):
            self._errors.labels(StorePart.FOLDER, reason)

    @override
    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        self._errors.labels(part, reason).inc()

    @override
    def not_kept(self, engine: str) -> None:
        self._not_kept.labels(engine).inc()

    @override
    def interrupted(self, engine: str) -> None:
        self._songs.interrupted_before(engine)


class StoreMetrics:
    """Metrics of a shared store, as one server sees it: duration of calls, failures, and songs that changed their
    server, were lost or could not be stored.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        engines: Sequence[str],
        songs: SongMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the store metrics; `clock` returns monotonic seconds."""
        self._songs = songs
        self._clock = clock
        self._answered_at = clock()
        self._seals: set[_Seal] = set()
        self._calls = by_labels(
            histogram(
                registry,
                "store_call_seconds",
                "Duration of one answered call to the shared store (song directory or object store), in seconds",
                CALL_BUCKETS,
                "part",
            )
        )
        self._errors = _errors(registry)
        self._count_moves(registry)
        self._not_kept = _not_kept(registry, engines)
        self._measure_silence(registry)
        registry.register(Scraped(self._seal_families))
        self._memory: tuple[int, int] | None = None
        registry.register(Scraped(self._memory_families))
        for part in (StorePart.DIRECTORY, StorePart.OBJECTS):
            self._calls(part.value)
            for reason in (StoreTrouble.AWAY, StoreTrouble.FULL, StoreTrouble.REFUSED):
                self._errors.labels(part, reason)

    def _count_moves(self, registry: CollectorRegistry) -> None:
        """Register the counters of songs that went from one server to another: lost, offered or taken over."""
        self._leases_lost = counter(
            registry,
            "leases_lost",
            "Number of songs of this server that another server took because their leases expired (shared store)",
        )
        self._found_lost = counter(
            registry,
            "songs_found_lost",
            "Number of songs of lost servers that this server took, to continue or end them (shared store)",
        )
        self._handed_over = counter(
            registry,
            "songs_handed_over",
            "Number of songs that other servers took because this server was shutting down (shared store)",
        )
        self._taken_over = counter(
            registry,
            "songs_taken_over",
            "Number of songs of other servers, lost or shut down, that this server continued (shared store)",
        )
        self._diverged = counter(
            registry,
            "songs_diverged",
            "Number of songs that failed because this server made them again with a different result (shared store)",
        )

    def _measure_silence(self, registry: CollectorRegistry) -> None:
        """Register the gauge of the seconds since the song directory last answered."""
        silence = Gauge(
            "melisma_directory_silence_seconds",
            "Seconds since the song directory (Redis or Valkey) last answered this server (shared store)",
            registry=registry,
        )
        silence.set_function(lambda: self._clock() - self._answered_at)

    def answered(self, part: StorePart, seconds: float) -> None:
        """Record that a call to a part of the store was answered after `seconds`, not counting failed attempts."""
        self._calls(part.value).observe(seconds)
        if part is StorePart.DIRECTORY:
            self._answered_at = self._clock()

    def failed(self, part: StorePart, reason: StoreTrouble) -> None:
        """Record that an attempt to call a part of the store has failed, and the kind of failure."""
        self._errors.labels(part, reason).inc()

    @contextmanager
    def sealing(self, size_bytes: int) -> Iterator[None]:
        """Context manager around the move of an ended song to the object store; meanwhile its `size_bytes` count as not
        yet moved.
        """
        seal = _Seal(self._clock(), size_bytes)
        self._seals.add(seal)
        try:
            yield
        finally:
            self._seals.remove(seal)

    def directory_memory(self, used_bytes: int, limit_bytes: int) -> None:
        """Record the memory that the song directory (Redis or Valkey) uses, and its limit, in bytes; a limit of 0 means
        no limit.
        """
        self._memory = used_bytes, limit_bytes

    def lease_lost(self) -> None:
        """Record that another server has taken a song of this server, because the song's lease had expired."""
        self._leases_lost.inc()

    def found_lost(self) -> None:
        """Record that a song whose server was lost was assigned to this server."""
        self._found_lost.inc()

    def handed_over(self) -> None:
        """Record that another server has taken a song that this server had offered."""
        self._handed_over.inc()

    def taken_over(self) -> None:
        """Record that this server has begun to continue a song of another server."""
        self._taken_over.inc()

    def diverged(self) -> None:
        """Record that a song that this server has made again differs from its stored part."""
        self._diverged.inc()

    def not_kept(self, engine: str) -> None:
        """Record that a song made by this server with `engine` could not be stored."""
        self._not_kept.labels(engine).inc()

    def interrupted(self, engine: str) -> None:
        """Record that a song of `engine` has lost its server, and that no other server can continue the song."""
        self._songs.interrupted(engine)

    def _memory_families(self) -> Iterator[Metric]:
        """Yield the gauges of the song directory's memory: the used memory once it was read, and the memory limit if
        there is one.
        """
        used_bytes, limit_bytes = self._memory or (0, 0)
        used: dict[LabelValues, float] = {(): used_bytes} if self._memory else {}
        yield gauge_family(
            "directory_memory_bytes",
            "Memory that the song directory (Redis or Valkey) uses of its limit, in bytes (shared store)",
            [],
            used,
        )
        limit: dict[LabelValues, float] = {(): limit_bytes} if limit_bytes else {}
        yield gauge_family(
            "directory_memory_bytes_limit",
            "Memory limit (maxmemory) of the song directory, in bytes; new songs are refused above 80 % of it",
            [],
            limit,
        )

    def _seal_families(self) -> Iterator[Metric]:
        now, size_bytes = self._clock(), sum(seal.size_bytes for seal in self._seals)
        longest = max((now - seal.begun_at for seal in self._seals), default=0.0)
        yield gauge_family(
            "unsealed_songs",
            "Number of ended songs of this server that are not in the object store yet (shared store)",
            [],
            {(): len(self._seals)},
        )
        yield gauge_family(
            "unsealed_bytes",
            "Bytes of sound of the ended songs that are not in the object store yet (shared store)",
            [],
            {(): size_bytes},
        )
        yield gauge_family(
            "unsealed_seconds",
            "Longest time in seconds that an ended song has waited for the object store (shared store)",
            [],
            {(): longest},
        )


def _errors(registry: CollectorRegistry) -> Counter:
    text = (
        "Number of failed calls to the store, by reason: full, broken (embedded store), away or refused (shared store)"
    )
    return counter(registry, "store_errors", text, "part", "reason")


def _not_kept(registry: CollectorRegistry, engines: Sequence[str]) -> Counter:
    found = counter(
        registry, "songs_not_kept", "Number of songs of this server that could not be stored (NOT_KEPT)", "engine"
    )
    for engine in engines:
        found.labels(engine)
    return found
