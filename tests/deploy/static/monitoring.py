"""Loads the recording rules, alerts and dashboard of deploy/, and lists the metrics that a server exposes with their
labels.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import ProcessCollector

from deploy.grafana.render import TARGET
from tests.deploy.static.promql import selectors
from tests.server.telemetry.test_metrics import Bench, report_everything

Found = dict[str, Any]
DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
TARGET_LABELS = frozenset({"instance", "job", "namespace", "pod"})
"""Labels that Prometheus adds to every series; `namespace` and `pod` only on Kubernetes."""

OF_PROMETHEUS = {
    "up": TARGET_LABELS,
    "scrape_duration_seconds": TARGET_LABELS,
    "ALERTS": TARGET_LABELS
    | {"alertname", "alertstate", "severity", "engine", "device", "estimate", "part", "reason"}
    | {"method", "route", "use"},
}


def loaded(*path: str) -> Found:
    found: Found = yaml.safe_load(DEPLOY.joinpath(*path).read_text("utf-8"))
    return found


def rules(name: str) -> list[Found]:
    return [rule for group in loaded("prometheus", name)["groups"] for rule in group["rules"]]


RULES, ALERTS = rules("rules.yml"), rules("alerts.yml")
TESTS = [test for name in ("tests.yml", "tests_objectives.yml") for test in loaded("prometheus", name)["tests"]]
DASHBOARD: Found = json.loads(TARGET.read_text("utf-8"))
ROWS: list[Found] = DASHBOARD["panels"]
PANELS = [panel for row in ROWS for panel in (row, *row.get("panels", ()))]
TARGETS = [(panel, target) for panel in PANELS for target in panel.get("targets", [])]
QUERIES = [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]


def of_the_server() -> dict[str, frozenset[str]]:
    """Return the labels of every metric of a server that has recorded one event of each kind, by the metric's name."""
    bench = Bench()
    report_everything(bench)
    ProcessCollector(registry=bench.registry)
    found: dict[str, frozenset[str]] = {}
    for sample in (sample for family in bench.registry.collect() for sample in family.samples):
        found[sample.name] = found.get(sample.name, TARGET_LABELS) | sample.labels.keys()
    return found


def with_recorded(known: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return metrics and their labels, with those that the recording rules compute from them."""
    found = dict(known)
    for rule in RULES:
        made = re.findall(r'count_values by \(\w+\) \("(\w+)"', rule["expr"])
        labels = frozenset([*rule.get("labels", ()), *made]).union(
            *(found[one.metric] for one in selectors(rule["expr"]))
        )
        found[rule["record"]] = found.get(rule["record"], frozenset()) | labels
    return found


KNOWN = with_recorded(of_the_server() | OF_PROMETHEUS)
