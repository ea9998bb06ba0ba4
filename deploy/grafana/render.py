"""Writes melisma.json, the dashboard as Grafana imports it, from panels.py.

python -m deploy.grafana.render
"""

import json
from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from deploy.grafana.panels import ROWS, VARIABLES
from deploy.grafana.queries import Figure, Lines, Query

TARGET = Path(__file__).with_name("melisma.json")

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
FIGURE_SIZE, LINES_SIZE = (4, 4), (8, 8)
"""Width and height."""


def dashboard() -> Json:
    """The classic schema, which Grafana 11 and newer read."""
    return {
        "uid": "melisma",
        "title": "Melisma",
        "tags": ["melisma"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_alerts()]},
        "templating": {"list": [_datasource(), *(_variable(name, query) for name, query in VARIABLES.items())]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(_panels(), start=1)],
    }


def rendered() -> str:
    """The text of the file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def _panels() -> Iterator[Json]:
    y = 0
    for title, panels in ROWS.items():
        yield {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": _place(0, y, COLUMNS, 1)}
        width, height = FIGURE_SIZE if isinstance(panels[0], Figure) else LINES_SIZE
        for index, panel in enumerate(panels):
            line, column = divmod(index, COLUMNS // width)
            yield _panel(panel) | {"gridPos": _place(column * width, y + 1 + line * height, width, height)}
        y += 1 + -(-len(panels) * width // COLUMNS) * height


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Lines | Figure) -> Json:
    own = _figure(panel) if isinstance(panel, Figure) else _lines(panel)
    return {"title": panel.title, "description": panel.about, "datasource": DATASOURCE, **own}


def _figure(panel: Figure) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    defaults = {"unit": panel.unit, "color": {"mode": "thresholds"}, "thresholds": {"mode": "absolute", "steps": steps}}
    return {
        "type": "stat",
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}},
        "targets": [_target("A", Query(panel.expr))],
    }


def _lines(panel: Lines) -> Json:
    queries = dict(zip(ascii_uppercase[: len(panel.queries)], panel.queries, strict=True))
    dashed = [letter for letter, query in queries.items() if query.dashed]
    custom = {"fillOpacity": 5, "showPoints": "never"}
    defaults = {"unit": panel.unit, "min": 0, "color": {"mode": "palette-classic"}, "custom": custom}
    return {
        "type": "timeseries",
        "fieldConfig": {"defaults": defaults, "overrides": [_dashes(letter) for letter in dashed]},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [_target(letter, query) for letter, query in queries.items()],
    }


def _dashes(letter: str) -> Json:
    look: Json = {"custom.lineStyle": {"fill": "dash", "dash": [10, 10]}, "custom.fillOpacity": 0}
    return {
        "matcher": {"id": "byFrameRefID", "options": letter},
        "properties": [{"id": name, "value": value} for name, value in look.items()],
    }


def _target(letter: str, query: Query) -> Json:
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "exemplar": query.exemplars,
    }


def _datasource() -> Json:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(name: str, query: str) -> Json:
    return {
        "name": name,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        # What has no such label counts, too.
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _alerts() -> Json:
    return {
        "name": "Alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertname=~"Melisma.+",alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{engine}} {{instance}} {{device}}",
        "step": "30s",
    }


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
