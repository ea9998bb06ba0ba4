"""Prometheus metrics whose values are read from the running server at every scrape."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import Metric

from server.scheduling.queue_depth import QueueDepth
from server.store.base import StoreUsage
from server.store.whole_service import Queue
from server.telemetry.instruments import LabelValues, Scraped, counter_family, gauge_family


def expose_depths(registry: CollectorRegistry, depths: Callable[[], Mapping[str, QueueDepth]]) -> None:
    """Register gauges of the waiting and running songs and sections of each engine, read at every scrape."""
    registry.register(Scraped(lambda: _depth_families(depths())))


def expose_store(registry: CollectorRegistry, usage: Callable[[], StoreUsage], listeners: Callable[[], int]) -> None:
    """Register gauges of the number and size of stored songs and of the number of listeners, read at every scrape."""
    registry.register(Scraped(lambda: _store_families(usage(), listeners())))


def expose_folder(registry: CollectorRegistry, folder: Path, max_bytes: int) -> None:
    """Register gauges of the limit of stored sound (`max_bytes`), and of the free space on the disk of the store's
    folder.
    """
    limit = Gauge("melisma_stored_bytes_limit", "Most bytes of sound that the song store may hold", registry=registry)
    limit.set(max_bytes)
    free = Gauge(
        "melisma_store_free_bytes",
        "Free bytes on the disk of the song store's folder (embedded store)",
        registry=registry,
    )
    free.set_function(lambda: shutil.disk_usage(folder).free)


def expose_deletions(registry: CollectorRegistry, by_caller: Callable[[], int], by_limits: Callable[[], int]) -> None:
    """Register a counter of the stored songs that this server has deleted, by cause: request of their caller, or limits
    of the store.
    """
    registry.register(Scraped(lambda: _deletion_families(by_caller(), by_limits())))


def expose_credentials(registry: CollectorRegistry, made: Callable[[], int], failed: Callable[[], int]) -> None:
    """Register a counter of C2PA manifests, by outcome: signed, or signing failed."""
    registry.register(Scraped(lambda: _credentials_families(made(), failed())))


def expose_service(registry: CollectorRegistry, engines: Sequence[str], queue: Callable[[], Queue | None]) -> None:
    """Register gauges of the waiting and running songs of a service of several servers, read at every scrape; without
    samples while the numbers are unknown.
    """
    registry.register(Scraped(lambda: _service_families(engines, queue())))


def expose_work(registry: CollectorRegistry, work: Callable[[], tuple[Mapping[str, int], Mapping[str, float]]]) -> None:
    """Register gauges of the work of a service of several servers, by engine: number of songs, and device seconds of
    waiting songs.

    Every server reports the same values, for the whole service, so dashboards must use their maximum, not their sum.
    """
    registry.register(Scraped(lambda: _work_families(*work())))


def expose_readiness(registry: CollectorRegistry, ready: Callable[[], bool]) -> None:
    """Register a gauge that reads, at every scrape, if songs may be sent to this server."""
    gauge = Gauge(
        "melisma_ready", "1 while the server is ready for new songs, as /readyz reports, else 0", registry=registry
    )
    gauge.set_function(lambda: float(ready()))


def expose_crowded(registry: CollectorRegistry, crowded: Callable[[], bool]) -> None:
    """Register a gauge that reads, at every scrape, if the queue is nearly full."""
    text = "1 while the queue is nearly full, when balancers should send songs to other servers, else 0"
    Gauge("melisma_crowded", text, registry=registry).set_function(lambda: float(crowded()))


def expose_engines(registry: CollectorRegistry, ready: Callable[[], Mapping[tuple[str, str], bool]]) -> None:
    """Register gauges that are 1 for each engine and device on which the engine is ready, read at every scrape."""
    registry.register(Scraped(lambda: _engine_families(ready())))


def expose_nodes(registry: CollectorRegistry, nodes: Callable[[], Mapping[str, str]]) -> None:
    """Register a gauge whose labels are each device and the cluster node on which the device's worker runs, read at
    every scrape.
    """
    registry.register(Scraped(lambda: _node_families(nodes())))


def expose_draining(registry: CollectorRegistry, draining: Callable[[], bool]) -> None:
    """Register a gauge that reads, at every scrape, if the server is draining."""
    gauge = Gauge(
        "melisma_draining", "1 while the server is shutting down and finishes its songs, else 0", registry=registry
    )
    gauge.set_function(lambda: float(draining()))


def expose_limits(
    registry: CollectorRegistry, *, running_songs: Callable[[], int], queue_songs: int, connections: int
) -> None:
    """Register gauges of the server's limits: running songs (read at every scrape), waiting songs, connections."""
    running = Gauge(
        "melisma_running_songs_limit",
        "Most songs that can be made at once, on all devices with a loaded engine",
        registry=registry,
    )
    running.set_function(running_songs)
    for name, text, value in (
        ("queue_songs_limit", "Most songs that may wait in the queue", queue_songs),
        ("connections_limit", "Most connections that may be open at once on each port", connections),
    ):
        Gauge(f"melisma_{name}", text, registry=registry).set(value)


def expose_closed(registry: CollectorRegistry, closed: Callable[[], Mapping[str, int]]) -> None:
    """Register a counter of the connections that the server has closed because there were too many, by port."""
    registry.register(Scraped(lambda: _closed_families(closed())))


def expose_build(registry: CollectorRegistry, version: str, revision: str) -> None:
    """Register a gauge with the constant value 1 that has the server's version and revision as labels."""
    labels = ["version", "revision"]
    Gauge(
        "melisma_build_info",
        "Always 1; the labels are the version and revision of the server",
        labels,
        registry=registry,
    ).labels(version, revision).set(1)


def _closed_families(closed: Mapping[str, int]) -> Iterator[Metric]:
    text = "Number of connections that the server closed because too many were open, by port"
    yield counter_family("connections_closed", text, ["port"], {(port,): count for port, count in closed.items()})


def _node_families(nodes: Mapping[str, str]) -> Iterator[Metric]:
    text = "1 for the node of the Ray cluster on which the worker of the device runs (only with MELISMA_POOL__KIND=ray)"
    yield gauge_family("device_node", text, ["device", "node"], dict.fromkeys(nodes.items(), 1.0))


def _engine_families(ready: Mapping[tuple[str, str], bool]) -> Iterator[Metric]:
    text = "1 while the engine is loaded on the device, else 0; no series for devices that are not set to load it"
    values: dict[LabelValues, float] = {key: float(loaded) for key, loaded in ready.items()}
    yield gauge_family("engine_ready", text, ["engine", "device"], values)


def _depth_families(depths: Mapping[str, QueueDepth]) -> Iterator[Metric]:
    def by_engine(read: Callable[[QueueDepth], int]) -> dict[LabelValues, float]:
        return {(engine,): read(depth) for engine, depth in depths.items()}

    yield gauge_family(
        "queue_songs",
        "Number of songs that wait in the queue of this server",
        ["engine"],
        by_engine(lambda depth: depth.waiting_songs),
    )
    yield gauge_family(
        "running_songs",
        "Number of songs that this server is making",
        ["engine"],
        by_engine(lambda depth: depth.running_songs),
    )
    yield gauge_family(
        "queue_sections",
        "Number of sections of running songs whose generation has not begun",
        ["engine"],
        by_engine(lambda depth: depth.waiting_sections),
    )
    yield gauge_family(
        "open_sections",
        "Number of sections that are being made",
        ["engine"],
        by_engine(lambda depth: depth.open_sections),
    )


def _work_families(songs: Mapping[str, int], backlog_seconds: Mapping[str, float]) -> Iterator[Metric]:
    def by_engine(values: Mapping[str, float]) -> dict[LabelValues, float]:
        return {(engine,): value for engine, value in values.items()}

    text = "Number of songs of all servers that have not ended; 1 for a configured engine that was never loaded"
    yield gauge_family("service_songs", text, ["engine"], by_engine(songs))
    text = "Estimated device time in seconds for all waiting songs of all servers (shared store)"
    yield gauge_family("backlog_seconds", text, ["engine"], by_engine(backlog_seconds))


def _store_families(usage: StoreUsage, listeners: int) -> Iterator[Metric]:
    yield gauge_family(
        "stored_songs", "Number of songs in the song store, including those being made", [], {(): usage.songs}
    )
    yield gauge_family("stored_bytes", "Bytes of sound in the song store", [], {(): usage.size_bytes})
    yield gauge_family(
        "listeners", "Number of clients that receive a song now, over gRPC and HTTP", [], {(): listeners}
    )


def _deletion_families(by_caller: int, by_limits: int) -> Iterator[Metric]:
    counts: dict[LabelValues, float] = {("caller",): by_caller, ("limits",): by_limits}
    yield counter_family(
        "songs_deleted",
        "Number of songs that this server deleted from the store, by cause: their callers, or the limits of the store",
        ["cause"],
        counts,
    )


def _credentials_families(made: int, failed: int) -> Iterator[Metric]:
    counts: dict[LabelValues, float] = {("made",): made, ("failed",): failed}
    yield counter_family(
        "content_credentials", "Number of signatures of C2PA manifests, by outcome: made or failed", ["outcome"], counts
    )


def _service_families(engines: Sequence[str], queue: Queue | None) -> Iterator[Metric]:
    if queue is None:
        return
    waiting = Counter(song.engine for song in queue.waiting)
    by_engine: dict[LabelValues, float] = {(engine,): waiting[engine] for engine in (*engines, *waiting)}
    yield gauge_family(
        "service_queue_songs", "Number of waiting songs of all servers (shared store)", ["engine"], by_engine
    )
    yield gauge_family(
        "service_running_songs",
        "Number of songs of all servers that are being made, or whose server was lost (shared store)",
        [],
        {(): queue.running},
    )
