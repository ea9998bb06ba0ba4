"""Tests that the Grafana dashboard is equal to the output of its generator, and shows only metrics, limits and traces
that the server exposes.
"""

import re
from itertools import combinations

from deploy.grafana.render import TARGET, rendered
from server.telemetry.song_metrics import SongOutcome
from tests.deploy.static.monitoring import DASHBOARD, KNOWN, PANELS, ROWS, TARGETS, Found, loaded
from tests.deploy.static.promql import selectors
from tests.server.telemetry.test_metrics import Bench


def test_the_dashboard_is_what_its_source_says() -> None:
    assert TARGET.read_text("utf-8") == rendered(), "run `python -m deploy.grafana.render`"


def test_panels_have_names_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS) > 30
    groups = [ROWS, *(row["panels"] for row in ROWS if row.get("panels"))]
    together = (pair for group in groups for pair in combinations((panel["gridPos"] for panel in group), 2))
    for one, other in together:
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_limits_and_objectives_are_dashed_and_nothing_else() -> None:
    def dashed(panel: Found) -> set[str]:
        overrides = panel["fieldConfig"]["overrides"] if panel["type"] == "timeseries" else []
        return {one["matcher"]["options"] for one in overrides}

    shown = {target["expr"]: target["refId"] in dashed(panel) for panel, target in TARGETS}
    assert {expr for expr, is_dashed in shown.items() if is_dashed} == {
        expr for expr in shown if re.match(r"\w+_limit\{|[\w:]+:objective\{", expr)
    }
    limits = {name for name in KNOWN if name.endswith("_limit")}
    assert limits == {one.metric for expr in shown for one in selectors(expr) if one.metric.endswith("_limit")}


def test_variables_are_used_and_defined() -> None:
    defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    text = TARGET.read_text("utf-8")
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__all"}
    assert used == defined == {"datasource", "namespace", "pod", "engine"}
    sources = [target["datasource"]["uid"] for _, target in TARGETS] + [
        panel["datasource"]["uid"] for panel in PANELS if panel["type"] != "row"
    ]
    assert set(sources) == {"${datasource}"}


def test_traces_are_shown_where_the_server_tells_them() -> None:
    bench = Bench()
    bench.metrics.songs.started("fake", 0.1, "trace")
    bench.metrics.songs.first_audio("fake", 0.2, "trace")
    bench.metrics.songs.ended("fake", SongOutcome.COMPLETED, 5.0, 60.0, "trace")
    bench.metrics.streams.underrun("fake", 0.5, "trace")
    samples = [sample for family in bench.registry.collect() for sample in family.samples]
    told = {sample.name for sample in samples if sample.exemplar}
    shown = [one.metric for _, target in TARGETS if target["exemplar"] for one in selectors(target["expr"])]
    assert sorted(shown) == sorted(told)
    (source,) = loaded("grafana", "provisioning", "datasources", "prometheus.yaml")["datasources"]
    labels = {label for sample in samples if sample.exemplar for label in sample.exemplar.labels}
    assert {one["name"] for one in source["jsonData"]["exemplarTraceIdDestinations"]} == labels
