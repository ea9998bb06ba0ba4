import re
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from server.store.watcher import StorePart, StoreTrouble
from server.telemetry.sliding_window import Window
from server.telemetry.song_metrics import SongMetrics
from server.telemetry.store_metrics import FolderMetrics, StoreMetrics


def song_metrics(registry: CollectorRegistry) -> SongMetrics:
    return SongMetrics(registry, ["fake"], Window(300.0, lambda: 0.0))


class Bench:
    """Metrics of a shared store, with a simulated clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.registry = CollectorRegistry()
        self.metrics = StoreMetrics(self.registry, ["fake"], song_metrics(self.registry), lambda: self.now)

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a metric with these labels, as in a scrape; `None` if it is absent."""
        return self.registry.get_sample_value(f"melisma_{name}", labels)

    def unsealed(self) -> tuple[float | None, ...]:
        return tuple(self.value(f"unsealed_{what}") for what in ("songs", "bytes", "seconds"))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_answered_calls_are_measured_by_part(bench: Bench) -> None:
    bench.metrics.answered(StorePart.DIRECTORY, 0.0007)
    bench.metrics.answered(StorePart.OBJECTS, 0.03)
    assert bench.value("store_call_seconds_sum", part="directory") == pytest.approx(0.0007)
    assert bench.value("store_call_seconds_bucket", part="directory", le="0.0005") == 0
    assert bench.value("store_call_seconds_bucket", part="directory", le="0.001") == 1
    assert bench.value("store_call_seconds_sum", part="objects") == pytest.approx(0.03)


def test_every_series_of_errors_begins_at_zero_and_counts(bench: Bench) -> None:
    for part in (StorePart.DIRECTORY, StorePart.OBJECTS):
        for reason in (StoreTrouble.AWAY, StoreTrouble.FULL, StoreTrouble.REFUSED):
            assert bench.value("store_errors_total", part=part, reason=reason) == 0
    bench.metrics.failed(StorePart.DIRECTORY, StoreTrouble.FULL)
    bench.metrics.failed(StorePart.DIRECTORY, StoreTrouble.FULL)
    assert bench.value("store_errors_total", part="directory", reason="full") == 2
    assert bench.value("store_errors_total", part="objects", reason="full") == 0


def test_a_store_of_one_server_counts_its_failures_and_the_songs_that_it_could_not_keep() -> None:
    registry = CollectorRegistry()
    metrics = FolderMetrics(registry, ["fake"], song_metrics(registry))
    metrics.failed(StorePart.FOLDER, StoreTrouble.FULL)
    metrics.not_kept("fake")
    counts = {
        reason: registry.get_sample_value("melisma_store_errors_total", {"part": "folder", "reason": reason})
        for reason in ("full", "broken", "away")
    }
    assert counts == {"full": 1, "broken": 0, "away": None}
    assert registry.get_sample_value("melisma_songs_not_kept_total", {"engine": "fake"}) == 1


def interruptions(registry: CollectorRegistry) -> float | None:
    """Scrape all metrics, and return the number of interrupted songs; `None` if the metric is absent."""
    text = generate_latest(registry).decode()
    found = re.search(r'songs_judged_total{engine="fake",verdict="interrupted"} (\S+)', text)
    return float(found[1]) if found else None


def test_songs_that_a_former_run_has_left_are_counted_once_prometheus_knows_the_counter() -> None:
    """Prometheus sees no increase of a counter that is already 16 at the first scrape."""
    registry = CollectorRegistry()
    metrics = FolderMetrics(registry, ["fake"], song_metrics(registry))
    for _ in range(16):
        metrics.interrupted("fake")
    assert [interruptions(registry) for _ in range(3)] == [0, 16, 16]


def test_an_interrupted_song_is_judged_also_if_its_engine_is_not_here(bench: Bench) -> None:
    bench.metrics.interrupted("fake")
    bench.metrics.interrupted("gone")
    assert bench.value("songs_judged_total", engine="fake", verdict="interrupted") == 1
    assert bench.value("songs_judged_total", engine="unknown", verdict="interrupted") == 1


def test_silence_lasts_until_the_directory_answers(bench: Bench) -> None:
    bench.now += 7.0
    bench.metrics.failed(StorePart.DIRECTORY, StoreTrouble.AWAY)
    bench.metrics.answered(StorePart.OBJECTS, 0.1)
    assert bench.value("directory_silence_seconds") == 7.0
    bench.metrics.answered(StorePart.DIRECTORY, 0.1)
    assert bench.value("directory_silence_seconds") == 0.0
    bench.now += 2.0
    assert bench.value("directory_silence_seconds") == 2.0


def test_songs_are_unsealed_from_their_end_until_they_are_sealed(bench: Bench) -> None:
    assert bench.unsealed() == (0, 0, 0)
    with bench.metrics.sealing(4000):
        bench.now += 5.0
        with bench.metrics.sealing(4000):
            bench.now += 1.0
            assert bench.unsealed() == (2, 8000, 6.0)
        assert bench.unsealed() == (1, 4000, 6.0)
    assert bench.unsealed() == (0, 0, 0)


def test_a_song_whose_seal_fails_is_no_longer_waited_for(bench: Bench) -> None:
    with pytest.raises(RuntimeError), bench.metrics.sealing(4000):
        raise RuntimeError
    assert bench.unsealed() == (0, 0, 0)


@pytest.mark.parametrize(
    ("happens", "name"),
    [
        (StoreMetrics.lease_lost, "leases_lost_total"),
        (StoreMetrics.found_lost, "songs_found_lost_total"),
        (StoreMetrics.taken_over, "songs_taken_over_total"),
        (StoreMetrics.handed_over, "songs_handed_over_total"),
        (StoreMetrics.diverged, "songs_diverged_total"),
    ],
)
def test_losses_begin_at_zero_and_count(bench: Bench, happens: Callable[[StoreMetrics], None], name: str) -> None:
    assert bench.value(name) == 0
    happens(bench.metrics)
    assert bench.value(name) == 1


def test_songs_that_are_not_kept_begin_at_zero_and_count_by_engine(bench: Bench) -> None:
    def counted() -> float | None:
        return bench.registry.get_sample_value("melisma_songs_not_kept_total", {"engine": "fake"})

    assert counted() == 0
    bench.metrics.not_kept("fake")
    assert counted() == 1


def test_memory_of_the_directory_is_told_once_it_is_known_and_its_limit_where_there_is_one(bench: Bench) -> None:
    def told() -> tuple[float | None, float | None]:
        return bench.value("directory_memory_bytes"), bench.value("directory_memory_bytes_limit")

    assert told() == (None, None)
    bench.metrics.directory_memory(70, 100)
    assert told() == (70, 100)
    bench.metrics.directory_memory(80, 0)
    assert told() == (80, None)
