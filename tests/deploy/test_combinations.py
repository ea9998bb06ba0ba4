"""Tests of components that contradict each other: kustomize fails, and its error names the conflicting component."""

import re
from itertools import permutations
from pathlib import Path

import pytest
import yaml

from tests.deploy.rendered import (
    COMPONENTS,
    KUBERNETES,
    VERSIONS,
    kustomized,
    only,
    pod_of,
    put_together,
    resources,
    schema_errors,
)

pytestmark = pytest.mark.deploy

PLAIN = ("autoscaling-keda", "autoscaling-hpa")
WORK = ("roles", "shared-store", "autoscaling-keda-backlog")
WEIGHTS, REPLICAS, SONGS = "melisma-weights", "melisma-replicas", "melisma-songs"

REFUSED: list[tuple[str, tuple[str, ...], str]] = [
    # One pod, of which autoscalers would make two and more, whichever comes first.
    *(("studio", ("gateway", "rest", one), SONGS) for one in PLAIN),
    *(("studio", (one, "gateway", "rest"), REPLICAS) for one in PLAIN),
    *(("studio", ("shared-store", "gateway", "rest", one), SONGS) for one in PLAIN),
    # Two autoscalers of one Deployment.
    *(("studio", pair, REPLICAS) for pair in permutations(PLAIN)),
    *(("studio", (*WORK, one), REPLICAS) for one in PLAIN),
    *(("studio", ("roles", "shared-store", one, "autoscaling-keda-backlog"), REPLICAS) for one in PLAIN),
    # A volume of one node.
    *(("ace-step", (one,), WEIGHTS) for one in PLAIN),
    ("ace-step", WORK, WEIGHTS),
    *((overlay, ("models-shared",), WEIGHTS) for overlay in ("studio", "local")),
    # Nobody would take calls.
    ("studio", ("shared-store", "autoscaling-keda-backlog"), "component"),
    ("studio", ("autoscaling-keda-backlog", "roles", "shared-store"), "component"),
]


def test_what_cannot_work_is_not_rendered(tmp_path: Path) -> None:
    wrong = []
    for number, (overlay, components, reason) in enumerate(REFUSED):
        try:
            put_together(tmp_path / str(number), overlay, components)
            wrong.append((overlay, components, "rendered"))
        except AssertionError as error:
            if reason not in str(error):
                wrong.append((overlay, components, str(error)))
    assert wrong == []


def test_what_the_readme_says_of_gpus_is_rendered(tmp_path: Path) -> None:
    text = (KUBERNETES / "README.md").read_text("utf-8").partition("\n## ACE-Step")[2].partition("\n## ")[0]
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    *patches, job = blocks
    limits = []
    for number, block in enumerate(patches):
        folder = tmp_path / str(number)
        put_together(folder, "ace-step")
        own = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8")) | block
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(own), "utf-8")
        rendered = kustomized(folder)
        assert schema_errors(rendered, folder, VERSIONS[-1]) == []
        found = resources(rendered)
        gpus = {name: one for name, one in pod_of(found)["containers"][0]["resources"]["limits"].items() if "/" in name}
        limits.append((gpus, pod_of(found).get("nodeSelector")))
    assert limits == [
        ({"nvidia.com/gpu": "1"}, {"nvidia.com/gpu.product": "NVIDIA-L40S"}),
        ({"nvidia.com/mig-3g.40gb": "1"}, None),
        ({"nvidia.com/gpu": "2"}, None),
    ]
    assert schema_errors(yaml.safe_dump(job), tmp_path, VERSIONS[-1]) == []
    overlay = resources(put_together(tmp_path / "own", "ace-step"))
    claim = job["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert only(overlay, "PersistentVolumeClaim", claim)
    assert "nodeSelector" not in pod_of(overlay)


@pytest.mark.parametrize("autoscaler", PLAIN)
def test_with_weights_on_all_nodes_ace_step_is_scaled(autoscaler: str, tmp_path: Path) -> None:
    found = resources(put_together(tmp_path, "ace-step", ("models-shared", autoscaler)))
    deployment = only(found, "Deployment")
    assert "replicas" not in deployment["spec"]
    assert WEIGHTS not in deployment["metadata"].get("annotations", {})
    assert only(found, "PersistentVolumeClaim", "melisma-models")["spec"]["accessModes"] == ["ReadWriteMany"]


def test_every_component_that_scales_is_among_those_that_refuse() -> None:
    tried = {one for _, components, _ in REFUSED for one in components}
    assert {one for one in COMPONENTS if one.startswith("autoscaling-")} <= tried
