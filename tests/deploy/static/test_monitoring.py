"""Tests that rules, alerts and dashboards use only metrics and labels that the server has. tests/deploy runs
Prometheus.
"""

import json
import re
from collections.abc import Iterator

import pytest

from model.registry import ENGINES
from server import errors
from server.settings.settings import Settings
from server.telemetry.song_metrics import CALLER_REASONS, FIRST_AUDIO_BUCKETS, OWN_REASONS, SONG_BUCKETS, SongOutcome
from tests.deploy.static.monitoring import (
    ALERTS,
    DASHBOARD,
    DEPLOY,
    KNOWN,
    QUERIES,
    RULES,
    TARGET_LABELS,
    TARGETS,
    TESTS,
    Found,
    loaded,
    of_the_server,
)
from tests.deploy.static.promql import Selector, groupings, selectors
from tests.support.table import table

RUNBOOK = DEPLOY / "RUNBOOK.md"


def unknown(expr: str) -> list[str]:
    """Return the metrics and labels in an expression that neither the server nor a rule has."""
    asked = list(selectors(expr))
    wrong = [f"{one.metric}: {label}" for one in asked for label in one.labels - KNOWN.get(one.metric, one.labels)]
    wrong += [one.metric for one in asked if one.metric not in KNOWN]
    labels = frozenset().union(*(KNOWN.get(one.metric, frozenset()) for one in asked))
    return wrong + sorted(groupings(expr) - labels)


def in_tests(test: Found) -> Iterator[str]:
    """Yield every series and expression of a promtool test."""
    yield from (one["series"] for one in test["input_series"])
    for one in test.get("promql_expr_test", ()):
        yield one["expr"]
        yield from (sample["labels"] for sample in one["exp_samples"] if not sample["labels"].startswith("{"))


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in [*RULES, *ALERTS])
    yield from (expr for test in TESTS for expr in in_tests(test))
    yield from (target["expr"] for _, target in TARGETS)
    yield from (annotation["expr"] for annotation in DASHBOARD["annotations"]["list"])
    yield from (re.sub(r"label_values\((.*), (\w+)\)", r"sum by (\2) (\1)", query) for query in QUERIES)


def test_every_metric_and_label_exists() -> None:
    everything = list(expressions())
    assert len(everything) > 200
    assert [(expr, wrong) for expr in everything if (wrong := unknown(expr))] == []


@table(
    ("expr", "wrong"),
    [
        ("rate(melisma_songs_lost_total[5m]) > 0", ["melisma_songs_lost_total"]),
        ('melisma_queue_songs{device="cpu"}', ["melisma_queue_songs: device"]),
        ("sum by (le, lane) (rate(melisma_step_seconds_bucket[5m]))", ["lane"]),
        ("engine:melisma_first_audio_seconds:p99_5m > 1", ["engine:melisma_first_audio_seconds:p99_5m"]),
        ("up / on (pod) group_left (device) up", ["device"]),
        ('count(melisma_worker_up{device=~"{melisma_x}"} offset 5m) or vector(0)', []),
    ],
)
def test_what_does_not_exist_is_found(expr: str, wrong: list[str]) -> None:
    assert unknown(expr) == wrong


def test_selectors_are_found() -> None:
    found = list(selectors('sum by (a) (rate(x_total{b="{c=1}", d!~"e"}[5m])) / on (f) y:z:sum and 2 * w > bool 1e3'))
    assert found == [Selector("x_total", frozenset("bd")), Selector("y:z:sum", frozenset()), Selector("w", frozenset())]


def test_recorded_names_say_level_metric_and_operation() -> None:
    levels = {rule["record"].split(":")[0] for rule in RULES}
    assert levels == {"engine", "instance", "namespace", "device"}
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+:melisma_[a-z_]+:[a-z0-9_]+", rule["record"])
        window = r"_(5|30)m$|.*(rate|increase|ratio)(5m|30m|1h|6h|3d|30d)$"
        assert re.match(rf".*{window}|.*:(sum|objective|bound|info)$", rule["record"])


def test_labels_hold_fixed_words_alone() -> None:
    """A label with song ids, callers or request ids would make a series for each of them."""
    fixed = {
        "cause",
        "code",
        "device",
        "direction",
        "engine",
        "estimate",
        "lane",
        "le",
        "method",
        "outcome",
        "part",
        "port",
    }
    fixed |= {"node"}  # of the devices of a pool on Ray
    fixed |= {"port", "process", "reason", "revision", "route", "status", "use", "verdict", "version"}
    assert set().union(*of_the_server().values()) - TARGET_LABELS <= fixed


@pytest.mark.parametrize(("metric", "bounds"), [("first_audio", FIRST_AUDIO_BUCKETS), ("song_latency", SONG_BUCKETS)])
def test_every_engine_has_an_objective_that_is_a_bound_of_the_histogram(metric: str, bounds: tuple[float, ...]) -> None:
    name = f"engine:melisma_{metric}_seconds:objective"
    objectives = {rule["labels"]["engine"]: rule["expr"] for rule in RULES if rule["record"] == name}
    assert objectives.keys() == ENGINES.keys()
    assert set(objectives.values()) <= {f"vector({bound:g})" for bound in bounds}


def test_refusals_are_told_apart_by_reasons_that_there_are() -> None:
    """The reasons in expressions are derived from the names of error classes."""
    made = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in vars(errors) if name[0].isupper()}
    named = {
        reason
        for rule in [*RULES, *ALERTS]
        for reasons in re.findall(r'refused_total\{reason=~?"([^"]*)"', rule["expr"])
        for reason in reasons.split("|")
    }
    assert {"overloaded", "song_store_full", "deadline_too_short"} == named
    assert named <= made
    assert {*OWN_REASONS, *CALLER_REASONS} - made == {"internal", "store_unavailable"}
    assert 'outcome="failed"' in "".join(rule["expr"] for rule in RULES)
    assert "failed" in set(SongOutcome)


@table("alert", ALERTS)
def test_an_alert_says_what_is_wrong_and_where_help_is(alert: Found) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    annotations = alert["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    base = '{{ with query "namespace:melisma_runbook:info" }}{{ . | first | label "url" }}{{ end }}'
    assert annotations["runbook_url"] == f"{base}#{alert['alert'].lower()}"
    told = set(re.findall(r"\$labels\.(\w+)", annotations["summary"] + annotations["description"]))
    known = frozenset().union(*(KNOWN[one.metric] for one in selectors(alert["expr"])))
    by = groupings(alert["expr"]) if alert["expr"].startswith("sum by") else known
    assert told <= known & by


def test_the_runbook_has_a_section_for_every_alert_and_no_other() -> None:
    headings = re.findall(r"^### (Melisma\w+)$", RUNBOOK.read_text("utf-8"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(alert["alert"] for alert in ALERTS)


def test_groups_have_names_of_their_own() -> None:
    """On Kubernetes all rule groups are in one resource, in which names must be unique."""
    names = [group["name"] for name in ("rules.yml", "alerts.yml") for group in loaded("prometheus", name)["groups"]]
    assert len(set(names)) == len(names)
    for name in ("tests.yml", "tests_objectives.yml"):
        assert loaded("prometheus", name)["group_eval_order"] == names


def test_every_rule_has_a_test() -> None:
    asked = {one.metric for test in TESTS for one in selectors(" + ".join(in_tests(test)))}
    assert {rule["record"] for rule in RULES} <= asked
    said = json.dumps([test.get("promql_expr_test", []) for test in TESTS]).replace('\\"', '"')
    fired = set(re.findall(r'alertname="(\w+)"', said))
    fired |= {one["alertname"] for test in TESTS for one in test.get("alert_rule_test", ()) if one["exp_alerts"]}
    assert fired == {alert["alert"] for alert in ALERTS}


def test_prometheus_asks_the_server_and_reads_the_rules() -> None:
    config = loaded("prometheus", "prometheus.yml")
    assert sorted(config["rule_files"]) == ["alerts.yml", "rules.yml"]
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "melisma"
    assert job["static_configs"] == [{"targets": [f"melisma:{Settings().http_port}"]}]
    (dropped,) = job["metric_relabel_configs"]
    gone = {name for name in KNOWN if re.fullmatch(dropped["regex"], name)}
    assert "melisma_songs_accepted_created" in gone
    assert gone.isdisjoint(one.metric for expr in expressions() for one in selectors(expr))


def test_alerts_that_hold_others_back_exist() -> None:
    names = {alert["alert"] for alert in ALERTS}
    config = loaded("prometheus", "alertmanager.yml")
    matchers = [
        matcher
        for rule in config["inhibit_rules"]
        for side in ("source", "target")
        for matcher in rule[f"{side}_matchers"]
    ]
    for pattern in (re.fullmatch(r'alertname=~?"(.*)"', matcher) for matcher in matchers):
        assert pattern
        held = {name for name in names if re.fullmatch(pattern[1], name)}
        assert len(held) >= len(pattern[1].split("|"))
    (at_once,) = config["route"]["routes"]
    assert at_once["matchers"] == ['severity="critical"']


def test_the_collector_uses_what_it_defines() -> None:
    config = loaded("otel-collector.yaml")
    pipeline = config["service"]["pipelines"]["traces"]
    assert pipeline["receivers"] == list(config["receivers"])
    assert pipeline["processors"] == list(config["processors"])
    (chosen,) = pipeline["exporters"]
    default = re.fullmatch(r"\$\{env:TRACES_EXPORTER:-(\w+)\}", chosen)
    assert default
    assert default[1] in config["exporters"]
    ports = {one["endpoint"].rpartition(":")[2] for one in config["receivers"]["otlp"]["protocols"].values()}
    assert ports == {"4317", "4318"}


def test_a_directory_is_away_for_as_long_as_calls_wait_by_default() -> None:
    seconds = [
        rule["expr"].rpartition("> ")[2] for rule in ALERTS if "melisma_directory_silence_seconds" in rule["expr"]
    ]
    assert [float(one) for one in seconds] == [Settings().store.outage_seconds] * 2


def test_the_runbook_quotes_what_servers_log_of_the_shared_store() -> None:
    text = RUNBOOK.read_text("utf-8")
    of_the_store = " ".join(text[text.index("## The shared store") : text.index("## Alerts")].split())
    quoted = re.findall(r'"([^"]*)"', of_the_store)
    sources = "".join(path.read_text("utf-8") for path in (DEPLOY.parent / "server/store/shared").rglob("*.py"))
    said = re.sub(r'"\s+f?"', "", sources).replace("{error}", "").replace("{self}", "")
    rows = {"wrong password", "the object store refuses", "the object store is unreachable", "403 Forbidden"}
    prefixes = ("an ended song cannot be stored in the object store; the server goes on trying: ", "")
    known = [text for text in quoted if any(text.removeprefix(prefix) in said for prefix in prefixes)]
    assert len(known) >= 8
    assert set(quoted) - set(known) <= rows
