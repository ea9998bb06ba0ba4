"""Tests that Prometheus computes from a real server's metrics what callers measure; promtool tests its rules."""

import asyncio
import json
import random
import re
import subprocess
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from melisma.v1.music_pb2 import AudioChunk, SongAccepted, SongFinished
from melisma_client import AsyncClient, SongRequest
from server.telemetry.sliding_window import percentile
from server.telemetry.song_metrics import FIRST_AUDIO_BUCKETS, SONG_BUCKETS
from tests.deploy.monitors import PROMETHEUS, Prometheus, prometheus, watched_service
from tests.deploy.tools import DEPLOY, output_of, tool
from tests.support.collector import Collector, collecting
from tests.support.service import Service

pytestmark = pytest.mark.deploy

RULES = ("rules.yml", "alerts.yml")
TESTS = ("tests.yml", "tests_objectives.yml")
CALL = "melisma.v1.MusicService/Generate"
WARM_UP, SONGS = 3, 41
"""Numbers of songs before and during the measurement. With 41 songs no percentile lies between two songs, where
rounding errors would decide.
"""
AT_ONCE = 2
STEPS = (1, 5)
"""Smallest and largest number of denoising steps in each section of a song; a step takes 50 ms."""
SONG_SECONDS = 10.0


@dataclass(frozen=True)
class Measured:
    """The times of one song's events, measured by its caller, in seconds since the request."""

    accepted: float
    first_audio: float
    finished: float


@dataclass(frozen=True)
class Watched:
    """A server that has made songs, the times that its callers measured, and the Prometheus that scraped it."""

    prometheus: Prometheus
    collector: Collector
    warm_up: Sequence[Measured]
    songs: Sequence[Measured]

    @property
    def slack(self) -> float:
        """Maximum difference in seconds between a caller's measured time and the server's for the same event, which the
        network adds; it is taken as the longest time to the event `accepted`.
        """
        return max(song.accepted for song in self.songs)


async def listen(client: AsyncClient, request: SongRequest) -> Measured:
    """Request a song, and return the times of its events."""
    times: dict[type, float] = {}
    began_at = time.monotonic()
    async with client.generate(request) as song:
        async for event in song:
            times.setdefault(type(event), time.monotonic() - began_at)
    return Measured(times[SongAccepted], times[AudioChunk], times[SongFinished])


async def listen_to_all(address: str, steps: Sequence[int]) -> list[Measured]:
    """Request one song for each entry of `steps` (its number of denoising steps), two at a time, and return the times
    of the songs' events.
    """
    places = asyncio.Semaphore(AT_ONCE)
    async with AsyncClient(address) as client:

        async def one(count: int) -> Measured:
            async with places:
                return await listen(client, SongRequest(prompt="noise", steps=count, duration_seconds=SONG_SECONDS))

        return await asyncio.gather(*map(one, steps))


@contextmanager
def traced_service(collector: Collector) -> Iterator[Service]:
    """Context manager with a server that Prometheus can scrape, and that sends its traces to a collector."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{collector.address}")
            environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
            service = stack.enter_context(watched_service())
        yield service


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Fixture: a server with completed songs, scraped by Prometheus. Some songs have ended before the first scrape,
    because Prometheus sees no increase of a counter in its first value.
    """
    folder = tmp_path_factory.mktemp("watched")
    completed = 'melisma_songs_ended_total{outcome="completed"}'
    chance = random.Random(7)
    with collecting() as collector, traced_service(collector) as service:
        warm_up = asyncio.run(listen_to_all(service.address, [1] * WARM_UP))
        with prometheus(service.http_address, folder) as watcher:
            watcher.wait_for(completed, WARM_UP)
            songs = asyncio.run(listen_to_all(service.address, [chance.randint(*STEPS) for _ in range(SONGS)]))
            watcher.wait_for(completed, WARM_UP + SONGS)
            yield Watched(watcher, collector, warm_up, songs)


def bucket_of(value: float, bounds: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the histogram bucket that contains a value."""
    index = bisect_left(bounds, value)
    return (bounds[index - 1] if index else 0.0, bounds[index])


@pytest.mark.parametrize(("metric", "bounds"), [("first_audio", FIRST_AUDIO_BUCKETS), ("song_latency", SONG_BUCKETS)])
@pytest.mark.parametrize("percent", [50, 95])
def test_a_percentile_is_that_of_the_callers(
    watched: Watched, metric: str, bounds: Sequence[float], percent: int
) -> None:
    """The percentile that Prometheus computes lies in the same histogram bucket as the percentile of the times that
    callers measured.
    """
    of_callers = percentile([_seconds(song, metric) for song in watched.songs], percent)
    at_least, _ = bucket_of(of_callers - watched.slack, bounds)
    _, at_most = bucket_of(of_callers, bounds)
    computed = watched.prometheus.value(f"engine:melisma_{metric}_seconds:p{percent}_5m")
    assert at_least <= computed <= at_most


@pytest.mark.parametrize("metric", ["first_audio", "song_latency"])
def test_the_mean_is_that_of_the_callers(watched: Watched, metric: str) -> None:
    """The mean does not depend on buckets: it equals the mean of the times that callers measured, except for network
    time.
    """
    total, count = (watched.prometheus.value(f"melisma_{metric}_seconds_{what}") for what in ("sum", "count"))
    songs = [*watched.warm_up, *watched.songs]
    mean_of_callers = sum(_seconds(song, metric) for song in songs) / len(songs)
    assert count == len(songs)
    assert mean_of_callers - watched.slack <= total / count <= mean_of_callers


def test_no_song_is_missing(watched: Watched) -> None:
    count = WARM_UP + SONGS
    value = watched.prometheus.value
    assert value("melisma_songs_accepted_total") == count
    assert value('melisma_songs_ended_total{outcome="completed"}') == count
    assert value("sum(melisma_songs_ended_total)") == count
    assert value("melisma_song_underrun_seconds_count") == count
    assert value("melisma_sound_seconds_total") == pytest.approx(count * SONG_SECONDS, abs=0.1 * count)
    assert value("namespace:melisma_running_songs:sum") == value("namespace:melisma_queue_songs:sum") == 0
    assert watched.prometheus.values('{__name__=~"melisma_.+_created"}') == []


def test_all_rules_are_computed_and_no_alert_stirs(watched: Watched) -> None:
    found = [rule for group in watched.prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule.get("lastError") for rule in found if rule["health"] != "ok"} == {}
    # The engine of tests has no objective, which is told.
    stirring = [rule["name"] for rule in found if rule.get("state", "inactive") != "inactive"]
    assert stirring == ["MelismaObjectiveMissing"]
    assert len(found) == sum(len(group["rules"]) for name in RULES for group in groups(name))


def test_a_figure_leads_to_traces(watched: Watched) -> None:
    spans = watched.collector.wait_for(CALL, WARM_UP + SONGS)
    traces = {told.span.trace_id.hex() for told in spans if told.span.name == CALL}
    now = time.time()
    for metric in ("first_audio", "song_latency", "song_queue", "song_underrun"):
        query = f"histogram_quantile(0.95, sum by (le) (rate(melisma_{metric}_seconds_bucket[5m])))"
        found = watched.prometheus.ask("query_exemplars", query=query, start=f"{now - 600}", end=f"{now}")
        named = {one["labels"]["trace_id"] for series in found for one in series["exemplars"]}
        assert named
        assert named <= traces


def loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROMETHEUS / name).read_text("utf-8"))
    return found


def groups(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = loaded(name)["groups"]
    return found


def test_configurations_are_valid() -> None:
    assert "2 rule files found" in output_of(tool("promtool"), "check", "config", PROMETHEUS / "prometheus.yml")
    assert "13 inhibit rules" in output_of(tool("amtool"), "check-config", PROMETHEUS / "alertmanager.yml")


def promtool_says(folder: Path, *files: str) -> str:
    """Return the errors that promtool reports for test files in a folder; empty if all tests pass."""
    command = [tool("promtool"), "test", "rules", *(str(folder / name) for name in files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_rules_and_alerts_pass_their_tests() -> None:
    assert promtool_says(PROMETHEUS, *TESTS) == ""


def of_changed(folder: Path, kind: str, change: str, tests: Sequence[dict[str, Any]], *rules: str) -> str:
    """Return the errors that promtool reports for `tests` after all expressions of the kind "record" or "alert" in the
    rule files `rules` were changed by the format string `change`.

    Annotations of alerts are removed, because their templates take most of the time.
    """
    for name in rules:
        changed = groups(name)
        for rule in (rule for group in changed for rule in group["rules"]):
            rule.pop("annotations", None)
            if kind in rule:
                rule["expr"] = change.format(rule["expr"])
                rule.pop("for", None)
        (folder / name).write_text(yaml.safe_dump({"groups": changed}), "utf-8")
    config = loaded(TESTS[0]) | {"rule_files": rules, "tests": tests}
    order = [group["name"] for name in rules for group in groups(name)]
    (folder / "changed.yml").write_text(yaml.safe_dump({**config, "group_eval_order": order}), "utf-8")
    return promtool_says(folder, "changed.yml")


def names_of(kind: str) -> set[str]:
    """Return the names of all rules of a kind, "record" or "alert"."""
    return {rule[kind] for name in RULES for group in groups(name) for rule in group["rules"] if kind in rule}


def tests_of(*names: str) -> list[dict[str, Any]]:
    return [test for name in names for test in loaded(name)["tests"]]


def test_no_recorded_value_passes_them_when_it_is_wrong(tmp_path: Path) -> None:
    def asks(test: dict[str, Any]) -> bool:
        return any(name in one["expr"] for one in test.get("promql_expr_test", ()) for name in recorded)

    recorded = names_of("record")
    told = of_changed(tmp_path, "record", "({}) + 1", list(filter(asks, tests_of(*TESTS))), "rules.yml")
    of_one_more = "".join(re.findall(r'expr: "(.*)", time', told))
    assert {name for name in recorded if name not in of_one_more} == set()


def test_no_alert_passes_them_when_it_is_silent() -> None:
    """The tests of promtool expect each alert to fire at least once."""
    fires = {
        one["alertname"] for test in tests_of(*TESTS) for one in test.get("alert_rule_test", ()) if one["exp_alerts"]
    }
    samples = [
        sample["labels"]
        for test in tests_of(*TESTS)
        for one in test.get("promql_expr_test", ())
        if "ALERTS" in one["expr"]
        for sample in one["exp_samples"]
    ]
    fires |= {name for labels in samples for name in re.findall(r'alertname="(\w+)"', labels)}
    assert names_of("alert") - fires == set()


def test_no_alert_passes_them_when_it_always_fires(tmp_path: Path) -> None:
    good_day, *_ = tests_of(*TESTS)
    told = of_changed(tmp_path, "alert", "vector(1)", [good_day], *RULES)
    assert {name for name in names_of("alert") if f'alertname="{name}"' not in told} == set()


def checked(folder: Path, expressions: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `promtool check rules` on expressions, and return its exit status and output."""
    rules = [{"record": f"expression:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    file = folder / "expressions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "expressions", "rules": rules}]}), "utf-8")
    command = [tool("promtool"), "check", "rules", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_dashboard_asks_in_valid_expressions(tmp_path: Path) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "melisma.json").read_text("utf-8"))
    panels = [panel for row in dashboard["panels"] for panel in (row, *row.get("panels", ()))]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    asked += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    plain = [re.sub(r"\$\w+", "any", expr.replace("$__rate_interval", "1m")) for expr in asked]
    done = checked(tmp_path, plain)
    assert done.returncode == 0, done.stderr
    assert f"{len(plain)} rules found" in done.stdout
    assert checked(tmp_path, [*plain, plain[0] + ")"]).returncode != 0


def _seconds(song: Measured, metric: str) -> float:
    return song.first_audio if metric == "first_audio" else song.finished
