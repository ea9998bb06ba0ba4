"""Writes melisma.json, the dashboard that Grafana imports, from the panels in panels.py.

python -m deploy.grafana.render
"""

import json
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from deploy.grafana.panels import ROWS, VARIABLES
from deploy.grafana.queries import Figure, Heatmap, Lines, Query

TARGET = Path(__file__).with_name("melisma.json")

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
OPEN = ("Now", "Objectives", "Listeners")
"""Rows of the dashboard that are expanded and show if something is wrong. Collapsed rows show the cause, and query
Prometheus only once they are expanded.
"""
FIGURE_SIZE, LINES_SIZE = (4, 4), (8, 8)
"""Width and height of a panel, in units of Grafana's grid: of a single value, and of lines over time."""


def dashboard() -> Json:
    """Return the dashboard in Grafana's classic schema, which Grafana 11 and newer read."""
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
        "panels": list(_rows()),
    }


def rendered() -> str:
    """Return the text of melisma.json."""
    return json.dumps(dashboard(), indent=2) + "\n"


def _rows() -> Iterator[Json]:
    """Yield every row, followed by its panels if it is expanded; Grafana stores the panels of a collapsed row inside
    it.
    """
    ids, y = count(1), 0
    for title, panels in ROWS.items():
        row = {"id": next(ids), "type": "row", "title": title, "gridPos": _place(0, y, COLUMNS, 1)}
        placed = [{"id": next(ids), **panel} for panel in _panels(panels, y + 1)]
        y += 1
        if title in OPEN:
            yield from ({**row, "collapsed": False, "panels": []}, *placed)
            y = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in placed)
        else:
            yield {**row, "collapsed": True, "panels": placed}


def _panels(panels: Sequence[Lines | Figure | Heatmap], y: int) -> Iterator[Json]:
    width, height = FIGURE_SIZE if isinstance(panels[0], Figure) else LINES_SIZE
    for index, panel in enumerate(panels):
        line, column = divmod(index, COLUMNS // width)
        yield _panel(panel) | {"gridPos": _place(column * width, y + line * height, width, height)}


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Lines | Figure | Heatmap) -> Json:
    match panel:
        case Figure():
            own = _figure(panel)
        case Heatmap():
            own = _heatmap(panel)
        case Lines():
            own = _lines(panel)
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


def _heatmap(panel: Heatmap) -> Json:
    return {
        "type": "heatmap",
        "fieldConfig": {"defaults": {"custom": {"scaleDistribution": {"type": "linear"}}}, "overrides": []},
        "options": {
            "calculate": False,  # the query already returns buckets
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "reverse": False},
            "rowsFrame": {"layout": "auto"},
            "yAxis": {"axisPlacement": "left", "unit": panel.unit},
            "legend": {"show": True},
            "tooltip": {"mode": "single"},
        },
        "targets": [{**_target("A", panel.query), "format": "heatmap"}],
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
        # Series without this label count, too.
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
