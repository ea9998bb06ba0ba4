"""Tests of frontends and generators as kubectl renders them: their calls, files, limits and names."""

from pathlib import Path

import pytest

from server.version import VERSION
from tests.deploy.rendered import ROLES, VERSIONS, WEIGHTS, Resource, only, put_together, resources, schema_errors

pytestmark = pytest.mark.deploy

FRONTEND = "melisma-frontend"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    """Fixture: the resources of the overlay studio with roles, and all components that can be combined with them."""
    return resources(put_together(tmp_path_factory.mktemp("roles"), components=ROLES))


def pods(found: list[Resource], name: str = "melisma") -> Resource:
    """Return the pod template of a Deployment."""
    template: Resource = only(found, "Deployment", name)["spec"]["template"]
    return template


def values(found: list[Resource], name: str = "melisma") -> dict[str, str]:
    """Return the environment variables of a Deployment; a variable from a Secret or ConfigMap has an empty value."""
    return {entry["name"]: entry.get("value", "") for entry in pods(found, name)["spec"]["containers"][0]["env"]}


def selected(found: list[Resource], selector: Resource) -> set[str]:
    """Return the names of the Deployments whose pods a label selector matches."""
    deployments = (one for one in found if one["kind"] == "Deployment")
    return {
        one["metadata"]["name"]
        for one in deployments
        if one["spec"]["template"]["metadata"]["labels"].items() >= selector.items()
    }


@pytest.mark.parametrize("overlay", ["studio", "ace-step", "ace-step-15"])
@pytest.mark.parametrize("version", VERSIONS)
def test_roles_fit_the_schemas(overlay: str, version: str, tmp_path: Path) -> None:
    weights = ("models-shared",) if overlay in WEIGHTS else ()
    assert schema_errors(put_together(tmp_path / "own", overlay, (*weights, *ROLES)), tmp_path, version) == []


def test_each_deployment_has_its_own_pods_and_budget(found: list[Resource]) -> None:
    for name in ("melisma", FRONTEND):
        for kind in ("Deployment", "PodDisruptionBudget"):
            assert selected(found, only(found, kind, name)["spec"]["selector"]["matchLabels"]) == {name}


def test_calls_go_to_frontends_and_prometheus_asks_every_pod_once(found: list[Resource]) -> None:
    services = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "Service"}
    calls = {name for name, service in services.items() if selected(found, service["selector"]) == {FRONTEND}}
    assert calls == {"melisma", "melisma-pods", "melisma-rest"}
    watched = only(found, "ServiceMonitor")["spec"]["endpoints"][0]["port"]
    asked = [
        name
        for service in services.values()
        if watched in {port["name"] for port in service["ports"]}
        for name in selected(found, service["selector"])
    ]
    assert sorted(asked) == ["melisma", FRONTEND]


def test_a_frontend_has_the_image_and_the_store_of_generators_and_no_device(tmp_path: Path) -> None:
    found = resources(put_together(tmp_path, "ace-step", ("models-shared", *ROLES)))
    maker, frontend = (pods(found, name)["spec"]["containers"][0] for name in ("melisma", FRONTEND))
    assert frontend["image"] == maker["image"]
    versions = {pods(found, name)["metadata"]["labels"]["app.kubernetes.io/version"] for name in ("melisma", FRONTEND)}
    assert versions == {VERSION}
    assert frontend["envFrom"] == maker["envFrom"]
    assert "nvidia.com/gpu" in maker["resources"]["limits"]
    assert set(frontend["resources"]["limits"]) == {"cpu", "memory"}
    for name in ("melisma", FRONTEND):
        assert values(found, name)["MELISMA_STORE__DIRECTORY_PASSWORD_FILE"] == "/etc/melisma/directory/password"
        mounts = {mount["name"] for mount in pods(found, name)["spec"]["containers"][0]["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pods(found, name)["spec"]["volumes"]}
        assert "songs" not in mounts
    assert (values(found)["MELISMA_ROLE"], values(found, FRONTEND)["MELISMA_ROLE"]) == ("generator", "frontend")
    settings = only(found, "ConfigMap", maker["envFrom"][0]["configMapRef"]["name"])
    assert settings["data"]["MELISMA_STORE__RESUME_SECONDS"] == "300"


def test_keys_certificates_and_rest_are_those_of_frontends_alone(found: list[Resource]) -> None:
    for name in ("MELISMA_API_KEYS", "MELISMA_TLS__CERTIFICATE", "MELISMA_REST__ENABLED"):
        assert name in values(found, FRONTEND)
        assert name not in values(found)
    for name in ("MELISMA_STORE__KIND", "AWS_ACCESS_KEY_ID", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert name in values(found, FRONTEND)
        assert name in values(found)


def test_generators_alone_are_scaled_from_none(found: list[Resource], tmp_path: Path) -> None:
    scaled = only(found, "ScaledObject", "melisma-generators")["spec"]
    assert scaled["scaleTargetRef"]["name"] == "melisma"
    assert scaled["minReplicaCount"] == 0
    assert "replicas" not in only(found, "Deployment")["spec"]
    assert only(found, "Deployment", FRONTEND)["spec"]["replicas"] >= 2
    references = {one["authenticationRef"]["name"] for one in scaled["triggers"] if "authenticationRef" in one}
    secrets = only(found, "TriggerAuthentication", *references)["spec"]["secretTargetRef"]
    assert {one["name"] for one in secrets} == {"melisma-directory"}
    with pytest.raises(AssertionError, match="component"):
        put_together(tmp_path, components=("shared-store", "autoscaling-keda-backlog"))
