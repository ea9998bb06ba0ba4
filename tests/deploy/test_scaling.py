"""Tests the autoscaler's Prometheus query with promtool."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.tools import DEPLOY, output_of, tool

pytestmark = pytest.mark.deploy

SCALED = DEPLOY / "kubernetes/components/autoscaling-keda/scaledobject.yaml"


def series(name: str, pod: str, value: int, namespace: str = "melisma", **labels: str) -> dict[str, str]:
    """Return a constant series of a metric in promtool's notation."""
    all_labels = {"namespace": namespace, "pod": pod, **labels}
    named = ", ".join(f'{label}="{text}"' for label, text in all_labels.items())
    return {"series": f"melisma_{name}{{{named}}}", "values": f"{value}x5"}


def songs_of(folder: Path, query: str, draining: dict[str, int], expected: int) -> None:
    """Check with promtool that `query`, the total of songs from which the autoscaler decides, gives `expected` for pods
    a, b and c with 4, 5 and 7 songs; `draining` has 1 for each pod that drains.
    """
    given = [
        series("queue_songs", "a", 1, engine="studio"),
        series("running_songs", "a", 3, engine="studio"),
        series("queue_songs", "b", 0, engine="studio"),
        series("running_songs", "b", 5, engine="studio"),
        series("queue_songs", "c", 0, engine="studio"),
        series("running_songs", "c", 7, engine="studio"),
        series("queue_songs", "d", 9, namespace="another", engine="studio"),
        series("running_songs", "d", 9, namespace="another", engine="studio"),
        *(series("draining", pod, value) for pod, value in draining.items()),
    ]
    sample = {"labels": "{}", "value": expected}
    asked = {"expr": query, "eval_time": "1m", "exp_samples": [sample]}
    tests: dict[str, Any] = {"tests": [{"interval": "15s", "input_series": given, "promql_expr_test": [asked]}]}
    file = folder / "tests.yml"
    file.write_text(yaml.safe_dump(tests), "utf-8")
    output_of(tool("promtool"), "test", "rules", file)


def test_pods_that_drain_are_not_scaled_for(tmp_path: Path) -> None:
    query = yaml.safe_load(SCALED.read_text("utf-8"))["spec"]["triggers"][0]["metadata"]["query"]
    songs_of(tmp_path, query, {"a": 0, "b": 0, "c": 0}, 16)
    songs_of(tmp_path, query, {"a": 0, "b": 0, "c": 1}, 9)
    songs_of(tmp_path, query, {"a": 1, "b": 0, "c": 1}, 5)
    # Servers of before, which do not say whether they drain, count.
    songs_of(tmp_path, query, {}, 16)
    with pytest.raises(AssertionError):
        songs_of(tmp_path, query.replace("melisma_draining", "melisma_drained"), {"c": 1}, 9)
