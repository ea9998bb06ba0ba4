"""Renders the Helm chart with the Python package helm-python-sdk, because no package installs the program `helm`."""

import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from tests.deploy.tools import DEPLOY, TOOLS, missing

CHART = DEPLOY / "helm" / "melisma"
NAMESPACE = "songs"
IMAGE = {"image": {"repository": "registry.example.org/melisma"}}

_SCRIPT = """
import json, sys
import helm_python as helm
given = json.load(sys.stdin)
try:
    with helm.Chart.load(given["chart"]) as chart:
        print(json.dumps({"files": chart.render(given["values"], name="melisma", namespace=given["namespace"])}))
except helm.HelmError as error:
    print(json.dumps({"error": str(error)}))
"""


class NotRenderedError(Exception):
    """Helm cannot render the chart with these values; the text is the error of Helm."""


def rendered(values: Mapping[str, Any]) -> str:
    """Return all resources of the chart as YAML, with `values` in place of the chart's default values.

    Raises:
        NotRenderedError: the chart refuses the values.
    """
    python = TOOLS / "bin" / "python"
    if not python.exists() or not list(TOOLS.glob("lib/python*/site-packages/helm_python")):
        missing("helm-python-sdk", "make test-deploy")
    given = json.dumps({"chart": str(CHART), "values": dict(values), "namespace": NAMESPACE})
    done = subprocess.run([python, "-c", _SCRIPT], input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise NotRenderedError(answer["error"])
    parts = (part for text in answer["files"].values() for part in re.split(r"^---$", text, flags=re.MULTILINE))
    return "\n---\n".join(part.strip() for part in parts if part.strip())
