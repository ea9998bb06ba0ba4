import math
import re
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from server.scheduling.queue_depth import QueueDepth
from server.store.whole_service import Queue, WaitingSong
from server.telemetry.documentation import metrics_table, report_one_of_each
from server.telemetry.estimate_metrics import Estimated
from server.telemetry.metrics import Metrics
from server.telemetry.scraped import (
    expose_deletions,
    expose_depths,
    expose_draining,
    expose_limits,
    expose_readiness,
    expose_service,
)
from server.telemetry.song_metrics import CALLER_REASONS, OWN_REASONS, RETRY_CAUSES, SongOutcome
from server.telemetry.store_metrics import StoreMetrics
from server.workers.messages import Lane

WINDOW_SECONDS = 60.0


QUEUE = Queue([WaitingSong(f"song-{engine}", "me", engine, 0.0, None) for engine in ("fake", "fake", "unknown")], 7)


class Bench:
    """Metrics of one engine and one device, with a simulated clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.depths: dict[str, QueueDepth] = {}
        self.registry = CollectorRegistry()
        self.metrics = Metrics(
            self.registry, engines=["fake"], devices=["cpu"], clock=lambda: self.now, window_seconds=WINDOW_SECONDS
        )
        self.store = StoreMetrics(self.registry, ["fake"], self.metrics.songs, lambda: self.now)
        expose_depths(self.registry, lambda: self.depths)
        expose_readiness(self.registry, lambda: self.ready)
        expose_draining(self.registry, lambda: self.draining)
        expose_limits(self.registry, running_songs=lambda: 4, queue_songs=8, connections=16)
        self.ready = self.draining = False

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a metric with these labels, as in a scrape; `None` if it is absent."""
        return self.registry.get_sample_value(f"melisma_{name}", labels)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def report_everything(bench: Bench) -> None:
    bench.depths["fake"] = QueueDepth(1, 2, 3, 4)
    report_one_of_each(bench.registry, bench.metrics, bench.store)


def test_counters_and_gauges_tell_what_was_reported(bench: Bench) -> None:
    bench.now += 1.0
    report_everything(bench)
    assert bench.value("songs_accepted_total", engine="fake") == 1
    assert bench.value("songs_refused_total", engine="fake", reason="overloaded") == 1
    assert bench.value("songs_ended_total", engine="fake", outcome="completed") == 1
    assert bench.value("songs_retried_total", engine="fake", reason="worker_lost") == 1
    assert bench.value("songs_stalled_total", engine="fake") == 1
    assert bench.value("sound_seconds_total", engine="fake") == 1.0
    assert bench.value("chunks_total", engine="fake") == 1
    assert bench.value("chunk_bytes_total", engine="fake") == 4000
    assert bench.value("step_tokens_total", device="cpu", engine="fake") == 300
    assert bench.value("rendered_sound_seconds_total", device="cpu", engine="fake") == 1.0
    assert bench.value("device_busy_seconds_total", device="cpu", lane="both") == 0.02
    assert bench.value("device_busy_ratio", device="cpu", lane="both") == pytest.approx(0.02)
    assert bench.value("worker_restarts_total", device="cpu") == 1
    assert bench.value("worker_up", device="cpu") == 1
    assert [bench.value("engine_ready", engine=engine, device="cpu") for engine in ("fake", "other")] == [1, 0]
    assert bench.value("crowded") == 0


@pytest.mark.parametrize(
    ("name", "labels", "total"),
    [
        ("song_queue_seconds", {"engine": "fake"}, 0.1),
        ("first_audio_seconds", {"engine": "fake"}, 0.2),
        ("song_latency_seconds", {"engine": "fake"}, 5.0),
        ("song_realtime_factor", {"engine": "fake"}, 12.0),
        ("song_underrun_seconds", {"engine": "fake"}, 0.5),
        ("encode_seconds", {"engine": "fake"}, 0.01),
        ("estimate_ratio", {"engine": "fake", "estimate": "finish"}, 0.8),
        ("batch_sections", {"device": "cpu", "engine": "fake"}, 3),
        ("batch_fill_ratio", {"device": "cpu", "engine": "fake"}, 0.75),
        ("step_seconds", {"device": "cpu", "engine": "fake"}, 0.02),
        ("render_seconds", {"device": "cpu", "engine": "fake"}, 0.05),
    ],
)
def test_histograms_take_what_was_reported(bench: Bench, name: str, labels: Mapping[str, str], total: float) -> None:
    report_everything(bench)
    assert bench.value(f"{name}_sum", **labels) == pytest.approx(total)
    assert bench.value(f"{name}_count", **labels) == 1


def test_windows_that_were_rendered_together_count_one_by_one(bench: Bench) -> None:
    bench.metrics.devices.render("cpu", "fake", windows=4, seconds=0.2, sound_seconds=4.0)
    bench.metrics.devices.render("cpu", "fake", windows=0, seconds=0.1, sound_seconds=0.0)
    assert bench.value("render_seconds_count", device="cpu", engine="fake") == 4
    assert bench.value("render_seconds_sum", device="cpu", engine="fake") == pytest.approx(0.2)


@pytest.mark.parametrize(("actual", "direction"), [(1.25, "late"), (0.75, "early")])
def test_an_estimate_is_wrong_in_one_direction(bench: Bench, actual: float, direction: str) -> None:
    bench.metrics.estimates.compared("fake", Estimated.FIRST_AUDIO, estimated=1.0, actual=actual)
    labels = {"engine": "fake", "estimate": "first_audio"}
    assert bench.value("estimate_error_seconds_sum", direction=direction, **labels) == 0.25
    assert bench.value("estimate_ratio_sum", **labels) == pytest.approx(1.0 / actual)


def test_only_completed_songs_have_a_latency(bench: Bench) -> None:
    for outcome in (SongOutcome.FAILED, SongOutcome.CANCELLED):
        bench.metrics.songs.ended("fake", outcome, 5.0, 60.0)
        assert bench.value("songs_ended_total", engine="fake", outcome=outcome.value) == 1
    assert not bench.value("song_latency_seconds_count", engine="fake")
    assert bench.value("song_latency_p95_seconds", engine="fake") is None


@pytest.mark.parametrize("reason", OWN_REASONS)
def test_songs_refused_by_a_fault_of_the_service_count_for_its_availability(bench: Bench, reason: str) -> None:
    bench.metrics.songs.refused(reason, "fake")
    bench.metrics.songs.refused(reason, "made-up")
    assert bench.value("songs_judged_total", engine="fake", verdict="refused") == 1


@pytest.mark.parametrize("reason", CALLER_REASONS)
def test_songs_refused_by_a_fault_of_their_callers_do_not(bench: Bench, reason: str) -> None:
    bench.metrics.songs.refused(reason, "fake")
    assert bench.value("songs_judged_total", engine="fake", verdict="refused") == 0


def test_every_fixed_reason_begins_at_zero(bench: Bench) -> None:
    for reason in (*OWN_REASONS, *CALLER_REASONS):
        assert bench.value("songs_refused_total", engine="fake", reason=reason) == 0
    for cause in RETRY_CAUSES:
        assert bench.value("songs_retried_total", engine="fake", reason=cause) == 0
    for name in ("first_audio_seconds", "song_latency_seconds", "song_underrun_seconds", "encode_seconds"):
        assert bench.value(f"{name}_count", engine="fake") == 0
    for direction in ("late", "early"):
        told = bench.value("estimate_error_seconds_count", engine="fake", estimate="finish", direction=direction)
        assert told == 0


def test_what_a_caller_asks_for_makes_no_series(bench: Bench) -> None:
    for number in range(100):
        bench.metrics.songs.refused("unknown_engine", f"engine-{number}")
    assert bench.value("songs_refused_total", engine="unknown", reason="unknown_engine") == 100
    assert bench.value("songs_refused_total", engine="engine-1", reason="unknown_engine") is None


def test_what_has_not_happened_is_zero_and_what_was_not_measured_is_absent(bench: Bench) -> None:
    assert bench.value("songs_accepted_total", engine="fake") == 0
    assert bench.value("songs_ended_total", engine="fake", outcome="cancelled") == 0
    assert bench.value("worker_up", device="cpu") == 0
    assert bench.value("song_latency_p95_seconds", engine="fake") is None
    assert bench.value("first_audio_p95_seconds", engine="fake") is None
    assert bench.value("stall_free_ratio", engine="fake") is None


def test_the_p95s_are_those_of_recent_songs(bench: Bench) -> None:
    bench.metrics.songs.ended("fake", SongOutcome.COMPLETED, 500.0, 60.0)
    bench.metrics.songs.first_audio("fake", 50.0)
    bench.now += WINDOW_SECONDS / 2
    for number in range(1, 101):
        bench.metrics.songs.ended("fake", SongOutcome.COMPLETED, float(number), 60.0)
        bench.metrics.songs.first_audio("fake", number / 100)
    assert bench.value("song_latency_p95_seconds", engine="fake") == 96.0
    bench.now += WINDOW_SECONDS / 2 + 1.0
    assert bench.value("song_latency_p95_seconds", engine="fake") == 95.0
    assert bench.value("first_audio_p95_seconds", engine="fake") == 0.95
    bench.now += WINDOW_SECONDS
    assert bench.value("song_latency_p95_seconds", engine="fake") is None


def test_the_stall_free_ratio_counts_songs_that_never_ran_dry(bench: Bench) -> None:
    for seconds in (0.0, 0.0, 0.001, 0.0):
        bench.metrics.streams.underrun("fake", seconds)
    assert bench.value("stall_free_ratio", engine="fake") == 0.75
    assert bench.value("song_underrun_seconds_bucket", engine="fake", le="0.0") == 3
    assert bench.value("songs_stalled_total", engine="fake") == 1


def test_a_lane_is_never_more_than_busy(bench: Bench) -> None:
    bench.now += 1.0
    bench.metrics.devices.busy("cuda:0", Lane.DENOISE, 5.0)
    bench.metrics.devices.busy("cuda:0", Lane.RENDER, 0.25)
    assert bench.value("device_busy_ratio", device="cuda:0", lane="denoise") == 1.0
    assert bench.value("device_busy_ratio", device="cuda:0", lane="render") == 0.25


def test_depths_are_read_at_every_scrape(bench: Bench) -> None:
    bench.depths["fake"] = QueueDepth(waiting_songs=1, running_songs=2, open_sections=3, waiting_sections=4)
    assert bench.value("queue_songs", engine="fake") == 1
    assert bench.value("running_songs", engine="fake") == 2
    assert bench.value("open_sections", engine="fake") == 3
    assert bench.value("queue_sections", engine="fake") == 4
    bench.depths["fake"] = QueueDepth(waiting_songs=5)
    assert bench.value("queue_songs", engine="fake") == 5


def test_a_scrape_is_valid_openmetrics_and_has_a_value_everywhere(bench: Bench) -> None:
    report_everything(bench)
    text = generate_latest(bench.registry).decode()  # type: ignore[no-untyped-call]
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    assert len(samples) > 200
    assert [sample for sample in samples if math.isnan(sample.value)] == []


def test_the_table_of_the_documentation_has_type_labels_and_meaning_of_every_metric(bench: Bench) -> None:
    report_everything(bench)
    names = {f"{f.name}_total" if f.type == "counter" else f.name for f in bench.registry.collect()}
    rows = re.findall(
        r"^\| `(melisma_\w+)` \| (counter|gauge|histogram) \| [a-z_, ]*\| \S.* \|$", metrics_table(), re.MULTILINE
    )
    assert {name for name, _ in rows} == names
    assert "| `melisma_songs_refused_total` | counter | engine, reason | Number of songs " in metrics_table()


def test_readiness_is_that_of_the_moment(bench: Bench) -> None:
    assert bench.value("ready") == 0
    bench.ready = True
    assert bench.value("ready") == 1
    assert bench.value("draining") == 0
    bench.draining = True
    assert bench.value("draining") == 1


def test_songs_of_the_whole_service_are_counted_by_engine_and_are_no_series_of_a_server_alone(bench: Bench) -> None:
    queues: list[Queue | None] = [None]
    expose_service(bench.registry, ["fake", "other"], lambda: queues[-1])
    assert bench.value("service_queue_songs", engine="fake") is None
    queues.append(QUEUE)
    told = [bench.value("service_queue_songs", engine=engine) for engine in ("fake", "other", "unknown")]
    assert (told, bench.value("service_running_songs")) == ([2, 0, 1], 7)


def test_deleted_songs_are_counted_by_their_cause(bench: Bench) -> None:
    expose_deletions(bench.registry, lambda: 3, lambda: 0)
    assert [bench.value("songs_deleted_total", cause=cause) for cause in ("caller", "limits")] == [3, 0]


def test_limits_are_told(bench: Bench) -> None:
    assert [bench.value(f"{name}_limit") for name in ("running_songs", "queue_songs", "connections")] == [
        4,
        8,
        16,
    ]
