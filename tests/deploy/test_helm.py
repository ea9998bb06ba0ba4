"""Tests of the Helm chart as Helm renders it: valid, and equal to the overlays except for the changed values."""

from pathlib import Path
from typing import Any

import pytest

from server.version import VERSION
from tests.deploy.charts import CHART, IMAGE, NAMESPACE, NotRenderedError, rendered
from tests.deploy.rendered import VERSIONS, Resource, only, pod_of, put_together, resources, schema_errors
from tests.deploy.static.custom_resources import FIELDS, unknown_fields

pytestmark = pytest.mark.deploy

ACE = {**IMAGE, "engine": "ace_step", "replicas": 1}
ALL: dict[str, Any] = {
    **IMAGE,
    "gateway": {"host": "songs.example.org"},
    "apiKeys": {"secret": "our-keys"},
    "monitoring": {"enabled": True, "release": "prom", "namespace": "watch"},
    "settings": {"MELISMA_LOG_LEVEL": "warning", "MELISMA_LIMITS__RETRIES": 5},
}
VERSION_LABEL = "app.kubernetes.io/version"
HELMS_OWN = {"app.kubernetes.io/managed-by", "helm.sh/chart", VERSION_LABEL}
"""Labels that Helm puts on every resource; kustomize puts the version label only on resources of the base."""
RULE = "PrometheusRule"
COMPONENTS = ("api-keys", "gateway", "gateway-envoy", "monitoring")


def comparable(found: list[Resource]) -> dict[tuple[str, str], Resource]:
    """Return resources by kind and name, without the namespaces, labels, names and order in which the output of Helm
    and of kustomize differs.
    """
    kept = {}
    for one in found:
        if one["kind"] == "Namespace":
            continue
        del one["metadata"]["namespace"]
        for label in HELMS_OWN:
            one["metadata"]["labels"].pop(label, None)
        if one["kind"] == "ConfigMap":
            one["metadata"]["name"] = "melisma-settings"
        if one["kind"] == "Deployment":
            template = one["spec"]["template"]
            template["metadata"]["annotations"].pop("checksum/settings", None)
            (container,) = template["spec"]["containers"]
            container["image"] = ""
            container["envFrom"][0]["configMapRef"]["name"] = "melisma-settings"
            for owner, key, by in ((template["spec"], "volumes", "name"), (container, "volumeMounts", "mountPath")):
                owner[key] = sorted(owner[key], key=lambda entry: entry[by])
        kept[one["kind"], one["metadata"]["name"]] = one
    return kept


@pytest.mark.parametrize("version", VERSIONS)
def test_the_chart_fits_the_schemas(version: str, tmp_path: Path) -> None:
    for values in (IMAGE, ACE, ALL):
        text = rendered(values)
        assert schema_errors(text, tmp_path, version) == []
        customs = [one for one in resources(text) if (one["apiVersion"], one["kind"]) in FIELDS]
        assert {field for one in customs for field in unknown_fields(one)} == set()
        assert {one["metadata"]["namespace"] for one in resources(text)} == {NAMESPACE}


@pytest.mark.parametrize(("overlay", "values"), [("studio", IMAGE), ("ace-step", ACE)])
def test_without_other_values_the_chart_is_the_overlay(overlay: str, values: dict[str, Any], tmp_path: Path) -> None:
    assert comparable(resources(rendered(values))) == comparable(resources(put_together(tmp_path, overlay)))


def test_with_values_the_chart_is_the_overlay_with_components(tmp_path: Path) -> None:
    own = comparable(resources(put_together(tmp_path, "studio", COMPONENTS)))
    chart = comparable(resources(rendered(ALL)))
    assert chart.keys() == own.keys()
    same = {key for key in chart if chart[key] == own[key]}
    assert {kind for kind, _ in chart.keys() - same} == {
        "ConfigMap",
        "Deployment",
        "GRPCRoute",
        "Gateway",
        "NetworkPolicy",
        "PrometheusRule",
        "ServiceMonitor",
    }
    assert ("NetworkPolicy", "melisma") in same


def test_values_go_where_they_belong() -> None:
    found = resources(rendered(ALL | {"replicas": 5, "resources": {"limits": {"memory": "3Gi"}}}))
    assert only(found, "GRPCRoute")["spec"]["hostnames"] == ["songs.example.org"]
    assert only(found, "Gateway")["spec"]["listeners"][0]["hostname"] == "songs.example.org"
    secrets = [volume["secret"]["secretName"] for volume in pod_of(found)["volumes"] if "secret" in volume]
    assert secrets == ["our-keys"]
    (container,) = pod_of(found)["containers"]
    assert container["image"] == f"registry.example.org/melisma:{VERSION}"
    assert container["resources"] == {"limits": {"memory": "3Gi"}}
    assert only(found, "Deployment")["spec"]["replicas"] == 5
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert only(found, kind)["metadata"]["labels"]["release"] == "prom"
    settings = only(found, "ConfigMap", "melisma-settings")["data"]
    assert (settings["MELISMA_LOG_LEVEL"], settings["MELISMA_LIMITS__RETRIES"]) == ("warning", "5")
    prioritized = resources(rendered({**IMAGE, "priorityClassName": "production"}))
    assert [pod_of(one).get("priorityClassName") for one in (found, prioritized)] == [None, "production"]
    digest = f"sha256:{'a' * 64}"
    by_digest = resources(rendered({"image": {"repository": "registry.example.org/melisma", "digest": digest}}))
    assert pod_of(by_digest)["containers"][0]["image"] == f"registry.example.org/melisma@{digest}"


def test_the_label_of_the_version_is_that_of_the_image(tmp_path: Path) -> None:
    def labels(text: str) -> set[tuple[str, str | None]]:
        deployment = only(resources(text), "Deployment")
        places = deployment["metadata"], deployment["spec"]["template"]["metadata"]
        return {(place["labels"][VERSION_LABEL], deployment["spec"]["selector"].get(VERSION_LABEL)) for place in places}

    for tag, label in (("", VERSION), ("2.0.1-cuda", "2.0.1-cuda"), (f"{'a' * 62}.b", "a" * 62)):
        assert labels(rendered({"image": {**IMAGE["image"], "tag": tag}})) == {(label, None)}
    digest = {"tag": "2.0.1", "digest": f"sha256:{'a' * 64}"}
    assert labels(rendered({"image": {**IMAGE["image"], **digest}})) == {(VERSION, None)}
    assert labels(put_together(tmp_path)) == {(VERSION, None)}


def test_objectives_are_values_of_the_chart() -> None:
    values = {
        "enabled": True,
        "runbook": "https://wiki.example.org/RUNBOOK.md",
        "availability": 0.99,
        "firstAudio": 0.9,
        "firstAudioSeconds": {"studio": 3},
    }

    def first_group(monitoring: dict[str, Any]) -> dict[tuple[str, str], str]:
        (rule,) = (one for one in resources(rendered({**IMAGE, "monitoring": monitoring})) if one["kind"] == RULE)
        rules = rule["spec"]["groups"][0]["rules"]
        return {
            (one["record"], one.get("labels", {}).get("engine", "")): f"{one['expr']} {one.get('labels')}"
            for one in rules
        }

    plain, changed = first_group({"enabled": True}), first_group(values)
    differ = {key[0]: told for key, told in changed.items() if told != plain[key]}
    assert differ.keys() == {
        "namespace:melisma_runbook:info",
        "engine:melisma_availability:objective",
        "engine:melisma_first_audio:objective",
        "engine:melisma_first_audio_seconds:objective",
    }
    assert "https://wiki.example.org/RUNBOOK.md" in differ["namespace:melisma_runbook:info"]
    assert "+ 0.99 " in differ["engine:melisma_availability:objective"]
    assert "+ 0.9 " in differ["engine:melisma_first_audio:objective"]
    assert "vector(3) " in differ["engine:melisma_first_audio_seconds:objective"]


def test_a_changed_setting_rolls_the_pods_of_the_chart() -> None:
    templates = [
        only(resources(rendered({**IMAGE, **more})), "Deployment")["spec"]["template"]
        for more in ({}, {}, {"settings": {"MELISMA_LOG_LEVEL": "warning"}})
    ]
    assert templates[0] == templates[1]
    assert templates[0] != templates[2]


def test_what_cannot_work_is_not_rendered() -> None:
    settings = ("ENGINES", "ROLE", "STORE__KIND", "STORE__DIRECTORY", "TLS__CERTIFICATE", "REST__ENABLED", "API_KEYS")
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "image.repository is empty"),
        ({**IMAGE, "engine": "ace_step"}, "set replicas=1"),
        ({**IMAGE, "engine": "ace-step"}, "engine"),
        ({**IMAGE, "replicaCount": 3}, "replicaCount"),
        ({**IMAGE, "replicas": 0}, "replicas"),
        ({**IMAGE, "gateway": {"hostname": "a.example.org"}}, "hostname"),
        ({"image": {"repository": "a", "digest": "latest"}}, "digest"),
        ({**IMAGE, "priorityClassName": "very high"}, "priorityClassName"),
        ({**IMAGE, "settings": {"LOG_LEVEL": "warning"}}, "LOG_LEVEL"),
        *(({**IMAGE, "settings": {f"MELISMA_{name}": "x"}}, f"settings.MELISMA_{name}") for name in settings),
    ]
    wrong = []
    for values, expected in cases:
        try:
            rendered(values)
            wrong.append((values, "rendered"))
        except NotRenderedError as error:
            if expected not in str(error):
                wrong.append((values, str(error)))
    assert wrong == []


def test_the_chart_is_of_this_version_and_holds_no_copies() -> None:
    chart = (CHART / "Chart.yaml").read_text("utf-8")
    assert f"\nversion: {VERSION}\nappVersion: {VERSION}\n" in chart
    assert all(path.is_symlink() and path.resolve().is_dir() for path in (CHART / "files").iterdir())
