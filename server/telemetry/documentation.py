"""Generates the table of all metrics for docs/metrics.md, which `python docs/generate.py` writes."""

import os
from collections.abc import Iterator
from pathlib import Path

from grpc import StatusCode
from prometheus_client import CollectorRegistry

from server.scheduling.queue_depth import QueueDepth
from server.store.base import StoreUsage
from server.store.watcher import StorePart, StoreTrouble
from server.store.whole_service import Queue, WaitingSong
from server.telemetry.call_metrics import expose_expiry
from server.telemetry.estimate_metrics import Estimated
from server.telemetry.metrics import Metrics
from server.telemetry.process_metrics import LoopLag, expose_processes
from server.telemetry.scraped import (
    expose_build,
    expose_closed,
    expose_credentials,
    expose_crowded,
    expose_deletions,
    expose_depths,
    expose_draining,
    expose_engines,
    expose_folder,
    expose_limits,
    expose_nodes,
    expose_readiness,
    expose_service,
    expose_store,
    expose_work,
)
from server.telemetry.song_metrics import SongOutcome, SongVerdict
from server.telemetry.store_metrics import StoreMetrics
from server.telemetry.traces.span_export import SpanCounts
from server.workers.base import WorkerDeath
from server.workers.messages import DeviceMemory, Lane


def metrics_table() -> str:
    """Return a Markdown table of every metric: name, type, labels, meaning; in the order of their names."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, engines=["fake"], devices=["cpu"])
    expose_depths(registry, lambda: {"fake": QueueDepth(1, 2, 3, 4)})
    expose_readiness(registry, lambda: True)
    expose_draining(registry, lambda: False)
    expose_limits(registry, running_songs=lambda: 4, queue_songs=8, connections=16)
    report_one_of_each(registry, metrics, StoreMetrics(registry, ["fake"], metrics.songs))
    return "\n".join(["| name | type | labels | meaning |", "|---|---|---|---|", *sorted(_rows(registry))])


def report_one_of_each(registry: CollectorRegistry, metrics: Metrics, store: StoreMetrics) -> None:
    """Record one event of every kind with sample values, so that every metric has a sample with all its labels."""
    expose_crowded(registry, lambda: False)
    expose_engines(registry, lambda: {("fake", "cpu"): True, ("other", "cpu"): False})
    expose_nodes(registry, lambda: {"cuda@1": "10.0.0.7"})
    expose_store(registry, lambda: StoreUsage(3, 5_000_000), lambda: 2)
    expose_deletions(registry, lambda: 1, lambda: 2)
    expose_credentials(registry, lambda: 1, lambda: 2)
    waiting = [WaitingSong(f"song-{engine}", "me", engine, 0.0, None) for engine in ("fake", "fake", "unknown")]
    expose_service(registry, ["fake"], lambda: Queue(waiting, 7))
    expose_work(registry, lambda: ({"fake": 5}, {"fake": 12.5}))
    expose_processes(registry, lambda: {("worker", "cpu"): [os.getpid()], ("encoders", ""): [None]})
    expose_expiry(registry, certificates=lambda: {"server": 2e9}, next_key=lambda: 2e9)
    expose_folder(registry, Path("/"), 1 << 30)
    expose_closed(registry, lambda: {"grpc": 1})
    LoopLag(registry)
    SpanCounts(registry)
    expose_build(registry, "1.2.3", "abc")
    _report_song(metrics)
    _report_devices(metrics)
    metrics.calls.serve_rpcs()
    metrics.calls.rpc("/melisma.v1.MusicService/Generate", StatusCode.OK, 1.0)
    metrics.calls.http("POST", "/v1/audio/music/generate", 200, 1.0)
    store.directory_memory(50, 100)
    store.answered(StorePart.DIRECTORY, 0.001)
    store.failed(StorePart.OBJECTS, StoreTrouble.AWAY)


def _report_song(metrics: Metrics) -> None:
    metrics.songs.accepted("fake")
    metrics.songs.refused("overloaded", "fake")
    metrics.songs.held("fake", 2.0)
    metrics.songs.judged("fake", SongVerdict.GOOD)
    metrics.songs.started("fake", 0.1)
    metrics.songs.first_audio("fake", 0.2)
    metrics.songs.ended("fake", SongOutcome.COMPLETED, 5.0, 60.0)
    metrics.songs.retried("fake", "worker_lost")
    metrics.streams.underrun("fake", 0.5)
    metrics.streams.encoded("fake", seconds=0.01, sound_seconds=1.0)
    metrics.streams.chunk("fake", 4000)
    metrics.estimates.compared("fake", Estimated.FINISH, estimated=4.0, actual=5.0)


def _report_devices(metrics: Metrics) -> None:
    metrics.devices.steps("cpu", "fake", steps=1, sections=3, tokens=300, budget_tokens=400, seconds=0.02)
    metrics.devices.render("cpu", "fake", windows=1, seconds=0.05, sound_seconds=1.0)
    metrics.devices.busy("cpu", Lane.BOTH, 0.02)
    metrics.devices.worker_restarted("cpu", WorkerDeath.OUT_OF_MEMORY)
    metrics.devices.memory("cpu", DeviceMemory(1 << 30, 4 << 30))
    metrics.devices.worker_up("cpu", True)


def _rows(registry: CollectorRegistry) -> Iterator[str]:
    for family in registry.collect():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"| `{name}` | {family.type} | {', '.join(sorted(labels))} | {family.documentation} |"
