"""Writes prometheusrule.yaml and alertmanagerconfig.yaml, resources of the Prometheus operator, from deploy/prometheus.

python deploy/kubernetes/components/monitoring/render.py
"""

import re
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SOURCES = tuple(HERE.parents[2] / "prometheus" / name for name in ("rules.yml", "alerts.yml"))
TARGET = HERE / "prometheusrule.yaml"
ALERTMANAGER = HERE.parents[2] / "prometheus" / "alertmanager.yml"
INHIBITION = HERE / "alertmanagerconfig.yaml"

_HEAD = "# Made of deploy/prometheus by render.py beside this file: edit there.\n"
_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes YAML in which queries of several lines stay readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def rendered() -> str:
    """Return the PrometheusRule resource, with the rule groups of all source files in their order."""
    groups = [group for source in SOURCES for group in yaml.safe_load(source.read_text("utf-8"))["groups"]]
    resource: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        # Prometheus selects rules by this label, as it selects the ServiceMonitor.
        "metadata": {"name": "melisma", "labels": {"release": "kube-prometheus-stack"}},
        "spec": {"groups": groups},
    }
    return _HEAD + yaml.dump(resource, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def rendered_inhibition() -> str:
    """Return the AlertmanagerConfig resource with the inhibition rules; the cluster itself configures who receives
    alerts.

    The operator applies the rules only to alerts of the resource's namespace.
    """
    rules = yaml.safe_load(ALERTMANAGER.read_text("utf-8"))["inhibit_rules"]
    resource: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "AlertmanagerConfig",
        "metadata": {"name": "melisma"},
        "spec": {
            "inhibitRules": [
                {
                    "sourceMatch": [_matcher(text) for text in rule["source_matchers"]],
                    "targetMatch": [_matcher(text) for text in rule["target_matchers"]],
                    "equal": rule["equal"],
                }
                for rule in rules
            ]
        },
    }
    return _HEAD + yaml.dump(resource, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _matcher(text: str) -> dict[str, str]:
    """Return the Alertmanager matcher `text`, such as alertname="A", as fields of the resource. Its type is always "=~"
    (regular expression), because not all YAML parsers accept a plain "=".
    """
    found = re.fullmatch(r'(\w+)=~?"(.*)"', text)
    assert found, text
    return {"name": found[1], "value": found[2], "matchType": "=~"}


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
    INHIBITION.write_text(rendered_inhibition(), encoding="utf-8")
