"""Tests of several pods on a shared store: REST, volumes and network policies in the manifests."""

from pathlib import Path

import pytest

from tests.deploy.rendered import SHARED, VERSIONS, Resource, only, pod_of, put_together, resources, schema_errors

pytestmark = pytest.mark.deploy

WITHOUT = tuple(name for name in SHARED if not name.startswith("shared-store"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    """Fixture: the resources of the overlay studio with REST and the shared store."""
    return resources(put_together(tmp_path_factory.mktemp("shared"), components=SHARED))


@pytest.mark.parametrize("version", VERSIONS)
def test_rest_on_a_shared_store_fits_the_schemas(version: str, tmp_path: Path) -> None:
    assert schema_errors(put_together(tmp_path / "own", components=SHARED), tmp_path, version) == []


def test_rest_has_several_pods_of_which_one_may_go(found: list[Resource], tmp_path: Path) -> None:
    deployment, budget = only(found, "Deployment"), only(found, "PodDisruptionBudget")
    assert deployment["spec"]["replicas"] >= 2
    assert deployment["spec"]["replicas"] > budget["spec"]["maxUnavailable"] == 1
    assert "melisma-songs" not in deployment["metadata"].get("annotations", {})
    alone = only(resources(put_together(tmp_path, components=WITHOUT)), "Deployment")
    assert alone["spec"]["replicas"] == 1


@pytest.mark.parametrize("autoscaler", ["autoscaling-hpa", "autoscaling-keda"])
def test_an_autoscaler_takes_rest_with_the_shared_store_alone(autoscaler: str, tmp_path: Path) -> None:
    together = resources(put_together(tmp_path / "with", components=(*SHARED, autoscaler)))
    assert "replicas" not in only(together, "Deployment")["spec"]
    with pytest.raises(AssertionError, match="melisma-songs failed: test failed"):
        put_together(tmp_path / "without", components=(*WITHOUT, autoscaler))


def test_a_shared_store_that_comes_too_early_leaves_rest_with_one_pod(tmp_path: Path) -> None:
    early = resources(put_together(tmp_path, components=("shared-store", "gateway", "rest")))
    assert only(early, "Deployment")["spec"]["replicas"] == 1


def test_pods_keep_no_songs_and_have_the_password_as_a_file(found: list[Resource]) -> None:
    pod = pod_of(found)
    mounts = {mount["mountPath"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert "/var/lib/melisma" not in mounts
    assert {mount["name"] for mount in mounts.values()} == {volume["name"] for volume in pod["volumes"]}
    assert mounts["/etc/melisma/directory"]["readOnly"] is True
    secrets = {one["name"]: one["secret"] for one in pod["volumes"] if "secret" in one}
    assert secrets["directory"] == {"secretName": "melisma-directory", "defaultMode": 0o440}


def test_keys_come_from_a_secret_and_from_nowhere_else(found: list[Resource], tmp_path: Path) -> None:
    def keys(resources_found: list[Resource]) -> dict[str, str]:
        entries = pod_of(resources_found)["containers"][0]["env"]
        return {one["name"]: one["valueFrom"]["secretKeyRef"]["name"] for one in entries if "secretKeyRef" in str(one)}

    assert keys(found) == dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "melisma-objects")
    assert keys(resources(put_together(tmp_path, components=SHARED[:-1]))) == {}


def test_weights_on_a_claim_of_one_node_keep_ace_step_at_one_pod(tmp_path: Path) -> None:
    found = resources(put_together(tmp_path, "ace-step", ("shared-store",)))
    assert only(found, "PersistentVolumeClaim", "melisma-models")["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert only(found, "Deployment")["spec"]["replicas"] == 1
