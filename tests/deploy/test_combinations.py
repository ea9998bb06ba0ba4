"""Components that contradict each other: kustomize ends with an error that names what stands against it."""

from itertools import permutations
from pathlib import Path

import pytest

from tests.deploy.rendered import COMPONENTS, only, put_together, resources

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
