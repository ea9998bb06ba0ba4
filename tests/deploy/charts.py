"""The Helm chart as Helm renders it: by the library of the tools' environment, since no package brings the program."""

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
    """Helm refuses the values; the text is its own."""


def rendered(values: Mapping[str, Any]) -> str:
    """Return all resources of the chart with these values, over its own, as YAML.

    Raises:
        NotRenderedError: the chart refuses them.
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
