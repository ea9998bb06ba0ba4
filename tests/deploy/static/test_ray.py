"""Tests that the RayCluster uses the versions of the lock and the image, and admits only clients of the namespace with
a token.
"""

import json
import tomllib

import yaml

from server.workers.ray.pool import INLINE
from tests.deploy.static.manifests import DEPLOY, ROOT, assignments, manifest
from tests.support.table import table

CLUSTER = manifest("components", "ray", "raycluster.yaml")["spec"]
POD = manifest("components", "ray", "deployment.yaml")["spec"]["template"]
GROUPS = [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]]


def settings() -> dict[str, str]:
    kustomization = manifest("components", "ray", "kustomization.yaml")
    return assignments("\n".join(kustomization["configMapGenerator"][0]["literals"]))


def test_all_nodes_have_the_version_of_ray_that_the_image_has() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert extras["ray"] == [f"ray=={CLUSTER['rayVersion']}"]
    assert f"\nray=={CLUSTER['rayVersion']} " in (ROOT / "requirements" / "ray.lock").read_text("utf-8")
    assert "!requirements/ray.lock" in (ROOT / ".dockerignore").read_text("utf-8")
    assert "FROM ${BASE}" in (DEPLOY / "Dockerfile").read_text("utf-8")


def test_all_pods_take_the_image_of_the_server() -> None:
    (replacement,) = manifest("components", "ray", "kustomization.yaml")["replacements"]
    paths = [path for target in replacement["targets"] for path in target["fieldPaths"]]
    assert len(paths) == len(GROUPS) + len(POD["spec"]["initContainers"])
    assert all("[name=ray].image" in path for path in paths)


def test_all_nodes_have_the_variables_of_ray_that_the_server_has() -> None:
    for group in GROUPS:
        (ray,) = group["template"]["spec"]["containers"]
        variables = {entry["name"]: entry["value"] for entry in ray["env"]}
        assert INLINE.items() <= variables.items()
        assert variables["RAY_worker_niceness"] == "0"


def test_nobody_joins_without_the_token() -> None:
    assert CLUSTER["authOptions"] == {"mode": "token", "secretName": "melisma-ray-token"}
    (ray,) = POD["spec"]["initContainers"]
    variables = {entry["name"]: entry["value"] for entry in ray["env"]}
    file = settings()["MELISMA_POOL__RAY_TOKEN_FILE"]
    assert (variables["RAY_AUTH_MODE"], variables["RAY_AUTH_TOKEN_PATH"]) == ("token", file)
    assert f"--address={settings()['MELISMA_POOL__RAY_ADDRESS']}" in ray["command"]


def test_nobody_outside_reaches_a_port_of_ray() -> None:
    policy = manifest("components", "ray", "networkpolicy.yaml")["spec"]
    nodes = {"melisma-ray": "true"}
    assert policy["podSelector"]["matchLabels"] == nodes
    assert policy["ingress"] == [{"from": [{"podSelector": {"matchLabels": nodes}}]}]
    labelled = [POD["metadata"]["labels"], *(group["template"]["metadata"]["labels"] for group in GROUPS)]
    assert labelled == [nodes] * 3


def test_the_server_counts_the_gpus_of_the_cluster() -> None:
    (device,) = json.loads(settings()["MELISMA_DEVICES"])
    assert device == {"device": "cuda", "count": sum(group["replicas"] for group in CLUSTER["workerGroupSpecs"])}


@table("path", ["headGroupSpec.template.spec.containers.0", "workerGroupSpecs.0.template.spec.containers.0"])
def test_containers_have_no_rights(path: str) -> None:
    found = CLUSTER
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    assert found["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert yaml.safe_dump(found["securityContext"]).count("false") == 2
