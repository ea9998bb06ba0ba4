"""Writes prometheusrule.yaml from deploy/prometheus: the operator takes rules only as a resource of this kind.

python deploy/kubernetes/components/monitoring/render.py
"""

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SOURCES = tuple(HERE.parents[2] / "prometheus" / name for name in ("rules.yml", "alerts.yml"))
TARGET = HERE / "prometheusrule.yaml"

_HEAD = "# Made of deploy/prometheus by render.py beside this file: edit there.\n"
_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Keeps queries of several lines readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def rendered() -> str:
    """The resource, with all groups of all sources in their order."""
    groups = [group for source in SOURCES for group in yaml.safe_load(source.read_text("utf-8"))["groups"]]
    resource: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        # Prometheus takes notice of rules with this label, as of the ServiceMonitor.
        "metadata": {"name": "melisma", "labels": {"release": "kube-prometheus-stack"}},
        "spec": {"groups": groups},
    }
    return _HEAD + yaml.dump(resource, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
