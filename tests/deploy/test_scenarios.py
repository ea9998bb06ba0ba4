"""Tests, with promtool, which critical alerts fire in failure scenarios of a service, and after how many minutes.

Each scenario begins after an hour without trouble, the first hour that Prometheus has scraped.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.deploy.monitors import PROMETHEUS
from tests.deploy.tools import tool

pytestmark = pytest.mark.deploy

GOOD_MINUTES, BAD_MINUTES = 60, 30
VERDICTS = ("good", "stalled", "failed", "refused", "interrupted")
OWN = 'instance="a:8080", engine="studio"'
OTHER = 'instance="a:8080", engine="ace_step"'


@dataclass(frozen=True)
class Scenario:
    """A failure scenario: for each counter the increase per minute before and during the failure, for each gauge the
    two values.
    """

    counters: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    gauges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    critical: Mapping[str, int] = field(default_factory=dict)
    """The critical alerts, and for each the minute of the failure from which it fires."""
    bad_minutes: int = BAD_MINUTES


def judged(verdict: str, of: str = OWN) -> str:
    return f'melisma_songs_judged_total{{{of}, verdict="{verdict}"}}'


def refused(reason: str, of: str = OWN) -> str:
    return f'melisma_songs_refused_total{{{of}, reason="{reason}"}}'


SCENARIOS = {
    "one song a minute, and all of them fail": Scenario(
        counters={judged("good"): (1, 0), judged("failed"): (0, 1)},
        critical={"MelismaSongsBadFast": 7, "MelismaSongsBad": 18},
    ),
    "half of the songs are refused for lost workers": Scenario(
        counters={
            judged("good"): (4, 2),
            judged("refused"): (0, 2),
            refused("worker_lost"): (0, 2),
            'melisma_worker_restarts_total{instance="a:8080", device="cpu"}': (0, 1),
        },
        critical={"MelismaSongsBadFast": 11, "MelismaSongsBad": 19},
    ),
    "the default engine is dead": Scenario(
        counters={judged("good"): (2, 0), judged("refused"): (0, 2), refused("engine_not_ready"): (0, 2)},
        gauges={
            f'melisma_engine_ready{{{OWN}, device="cpu"}}': (1, 0),
            f'melisma_engine_ready{{{OTHER}, device="cpu#2"}}': (1, 1),
            'melisma_worker_up{instance="a:8080", device="cpu"}': (1, 1),
            'melisma_worker_up{instance="a:8080", device="cpu#2"}': (1, 1),
            'melisma_ready{instance="a:8080"}': (1, 0),
        },
        critical={"MelismaNoEngine": 6, "MelismaSongsBadFast": 7, "MelismaNoServerReady": 9, "MelismaSongsBad": 17},
    ),
    "the store is full": Scenario(
        counters={
            judged("good"): (2, 0),
            f"melisma_songs_not_kept_total{{{OWN}}}": (0, 2),
            'melisma_store_errors_total{instance="a:8080", part="folder", reason="full"}': (0, 2),
        },
        critical={"MelismaStoreFull": 1, "MelismaSongsNotKept": 3, "MelismaSongsBadFast": 7, "MelismaSongsBad": 17},
    ),
    "a server is killed, and nobody can continue its sixteen songs": Scenario(
        counters={judged("good"): (4, 4), judged("interrupted"): (0, 16)},
        critical={"MelismaSongsBad": 16},
        bad_minutes=1,
    ),
    "a server is killed, and others continue its songs": Scenario(
        counters={judged("good"): (4, 4), 'melisma_songs_taken_over_total{instance="a:8080"}': (0, 16)},
        bad_minutes=1,
    ),
    "eighteen first refusals, and all is well again": Scenario(
        counters={judged("good"): (4, 4), judged("refused"): (0, 18), refused("worker_lost"): (0, 18)},
        critical={"MelismaSongsBad": 16},
        bad_minutes=1,
    ),
    "a listener at the speed of playback, to a song of 240 s": Scenario(
        counters={
            judged("good"): (3, 3),
            f'melisma_song_latency_seconds_bucket{{{OWN}, le="10.0"}}': (3, 3),
            f'melisma_song_latency_seconds_bucket{{{OWN}, le="+Inf"}}': (3, 3),
            f"melisma_song_latency_seconds_count{{{OWN}}}": (3, 3),
            f"melisma_song_held_seconds_total{{{OWN}}}": (480, 480),
        },
    ),
}


def values(rates: tuple[float, float], minutes: int) -> str:
    """Return the values of a counter in promtool's notation before, during and after a failure of `minutes`. `rates`
    are the increases per minute without and during the failure.
    """
    before, after = rates
    after_that = before * GOOD_MINUTES + after * minutes
    return (
        f"0+{before:g}x{GOOD_MINUTES} {before * GOOD_MINUTES + after:g}+{after:g}x{minutes - 1} "
        f"{after_that + before:g}+{before:g}x{BAD_MINUTES}"
    )


def levels(gauge: tuple[float, float], minutes: int) -> str:
    """Return the values of a gauge in promtool's notation before, during and after a failure of `minutes`. `gauge` has
    the values without and during the failure.
    """
    return f"{gauge[0]:g}x{GOOD_MINUTES} {gauge[1]:g}x{minutes - 1} {gauge[0]:g}x{BAD_MINUTES}"


def firing(names: Sequence[str]) -> list[dict[str, object]]:
    return [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names]


def played(scenario: Scenario) -> dict[str, object]:
    """Return the promtool test of a scenario: a minute before each alert and at its minute, exactly the expected alerts
    fire.
    """
    known = dict.fromkeys((judged(verdict) for verdict in VERDICTS), (0, 0))
    series = [
        {"series": name, "values": values(rates, scenario.bad_minutes)}
        for name, rates in {**known, **scenario.counters}.items()
    ]
    series += [
        {"series": name, "values": levels(gauge, scenario.bad_minutes)} for name, gauge in scenario.gauges.items()
    ]
    series.append({"series": 'up{job="melisma", instance="a:8080"}', "values": f"1x{GOOD_MINUTES + 2 * BAD_MINUTES}"})
    minutes = {0, *scenario.critical.values(), *(minute - 1 for minute in scenario.critical.values())}
    minutes.add(max(minutes) + 1 if scenario.critical else BAD_MINUTES)
    tests = [
        {
            "expr": 'count by (alertname) (ALERTS{severity="critical", alertstate="firing"})',
            "eval_time": f"{GOOD_MINUTES + minute}m",
            "exp_samples": firing([name for name, first in scenario.critical.items() if first <= minute]),
        }
        for minute in sorted(minutes)
    ]
    return {"interval": "1m", "input_series": series, "promql_expr_test": tests}


@pytest.mark.parametrize("name", SCENARIOS)
def test_who_is_woken_by_a_trouble_and_after_how_many_minutes(name: str, tmp_path: Path) -> None:
    files = [str(PROMETHEUS / file) for file in ("rules.yml", "alerts.yml")]
    # Else promtool computes groups in any order, and an alert may see what was recorded a minute ago.
    order = [group["name"] for file in files for group in yaml.safe_load(Path(file).read_text("utf-8"))["groups"]]
    config = {
        "rule_files": files,
        "group_eval_order": order,
        "evaluation_interval": "1m",
        "tests": [played(SCENARIOS[name])],
    }
    file = tmp_path / "scenario.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    command = [tool("promtool"), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
