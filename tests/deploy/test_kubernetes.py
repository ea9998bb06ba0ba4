"""Tests of the manifests as kubectl renders them, against the schemas of Kubernetes, checkov, and each other.

No cluster is needed. Definitions of custom resources, which only a cluster has, are not used; the fields of custom
resources are compared with the table in static/custom_resources.py.
"""

import json
import os
import re
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.rendered import (
    COMPONENTS,
    EVERYTHING,
    KUBERNETES,
    OVERLAYS,
    VERSIONS,
    Resource,
    all_schema_errors,
    kustomized,
    only,
    pod_of,
    put_together,
    resources,
    schema_errors,
    with_needed,
)
from tests.deploy.static.custom_resources import FIELDS, unknown_fields
from tests.deploy.tools import DEPLOY, ROOT, tool

pytestmark = pytest.mark.deploy

LABELS = {"app.kubernetes.io/name": "melisma", "app.kubernetes.io/part-of": "melisma"}
CORE_GROUPS = ("v1", "apps/v1", "policy/v1", "networking.k8s.io/v1", "autoscaling/v2")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fixture: the rendered overlay studio with all components that can be combined."""
    return put_together(tmp_path_factory.mktemp("everything"), components=EVERYTHING)


@pytest.fixture(scope="module")
def found(everything: str) -> list[Resource]:
    return resources(everything)


@pytest.mark.parametrize("version", VERSIONS)
def test_overlays_fit_the_schemas_and_so_do_all_components_together(
    everything: str, version: str, tmp_path: Path
) -> None:
    texts = {overlay: kustomized(KUBERNETES / "overlays" / overlay) for overlay in OVERLAYS}
    assert all_schema_errors({**texts, "everything": everything}, tmp_path, version) == []


def test_every_component_goes_with_every_overlay(tmp_path: Path) -> None:
    without = {overlay: put_together(tmp_path / overlay, overlay) for overlay in OVERLAYS}
    texts = {
        f"{overlay}+{component}": put_together(tmp_path / overlay / component, overlay, needed)
        for overlay, component in product(OVERLAYS, COMPONENTS)
        if (needed := with_needed(component, overlay))
    }
    assert len(texts) > len(OVERLAYS) * (len(COMPONENTS) - 2)
    assert all_schema_errors(texts, tmp_path, VERSIONS[-1]) == []
    assert [name for name, text in texts.items() if text == without[name.partition("+")[0]]] == []


MISSPELT = {
    "terminationGracePeriodSeconds:": "terminationGracePeriodSecond:",
    "maxUnavailable: 0": "maxUnavailable: true",
    "kind: PodDisruptionBudget": "kind: PodDisruptionsBudget",
    "sleep:": "slumber:",
}


def test_what_is_misspelt_is_found(everything: str, tmp_path: Path) -> None:
    assert all(good in everything for good in MISSPELT)
    texts = {f"{number}": everything.replace(*pair) for number, pair in enumerate(MISSPELT.items())}
    found = all_schema_errors(texts, tmp_path, VERSIONS[-1])
    assert [[f"/{name}.yaml" in line for line in found].count(True) for name in texts] == [1] * len(MISSPELT)


def test_every_resource_is_ours_and_in_its_namespace(found: list[Resource]) -> None:
    for resource in found:
        assert LABELS.items() <= resource["metadata"]["labels"].items(), resource
        namespace = "name" if resource["kind"] == "Namespace" else "namespace"
        assert resource["metadata"][namespace] == "melisma", resource
        group = (resource["apiVersion"], resource["kind"])
        assert resource["apiVersion"] in CORE_GROUPS or group in FIELDS, group
    assert LABELS.items() <= only(found, "Deployment")["spec"]["template"]["metadata"]["labels"].items()


def test_rendered_custom_resources_have_known_fields(found: list[Resource]) -> None:
    customs = [resource for resource in found if resource["apiVersion"] not in CORE_GROUPS]
    # That of REST, and that of generators.
    assert {kind for _, kind in FIELDS} - {one["kind"] for one in customs} == {"HTTPRoute", "TriggerAuthentication"}
    assert {field for resource in customs for field in unknown_fields(resource)} == set()


def test_selectors_select_the_pods(found: list[Resource]) -> None:
    labels = only(found, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [only(found, "Deployment")["spec"]["selector"], only(found, "PodDisruptionBudget")["spec"]["selector"]]
    selectors += [one["spec"]["podSelector"] for one in found if one["kind"] == "NetworkPolicy"]
    selectors += [spread["labelSelector"] for spread in pod_of(found)["topologySpreadConstraints"]]
    chosen = [selector["matchLabels"] for selector in selectors]
    chosen += [one["spec"]["selector"] for one in found if one["kind"] == "Service"]
    assert len(chosen) >= 10
    assert all(labels.items() >= one.items() for one in chosen)


def test_the_rule_for_dns_is_left_alone(found: list[Resource]) -> None:
    """Labels that kustomize adds to all selectors must not reach this rule, or it would not match the pods of DNS."""
    rules = only(found, "NetworkPolicy")["spec"]["egress"]
    assert [
        (rule["to"][0]["podSelector"]["matchLabels"], {one["port"] for one in rule["ports"]}) for rule in rules
    ] == [
        ({"k8s-app": "kube-dns"}, {53}),
        ({"dns.operator.openshift.io/daemonset-dns": "default"}, {5353}),
    ]


def test_what_is_pointed_at_is_there(found: list[Resource]) -> None:
    route, deployment = only(found, "GRPCRoute"), only(found, "Deployment")
    gateway, service = only(found, "Gateway"), only(found, "Service")
    listeners = {one["name"]: one for one in gateway["spec"]["listeners"]}
    parent, backend = route["spec"]["parentRefs"][0], route["spec"]["rules"][0]["backendRefs"][0]
    assert parent["name"] == gateway["metadata"]["name"]
    assert route["spec"]["hostnames"] == [listeners[parent["sectionName"]]["hostname"]]
    assert (backend["name"], backend["port"]) == (service["metadata"]["name"], service["spec"]["ports"][0]["port"])
    for kind in ("BackendTrafficPolicy", "ClientTrafficPolicy", "BackendTLSPolicy"):
        target = only(found, kind)["spec"]["targetRefs"][0]
        aim = only(found, target["kind"], target["name"])
        assert aim["apiVersion"].rpartition("/")[0] == target["group"]
    scaled = only(found, "ScaledObject")["spec"]["scaleTargetRef"]
    assert scaled == {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"]}
    monitor = only(found, "ServiceMonitor")["spec"]
    ports = [port["name"] for one in found if one["kind"] == "Service" for port in one["spec"]["ports"]]
    assert ports.count(monitor["endpoints"][0]["port"]) == 1
    assert (
        monitor["selector"]["matchLabels"].items()
        <= only(found, "Service", "melisma-pods")["metadata"]["labels"].items()
    )


def test_full_pods_are_not_evicted_together_and_drained_ones_are_watched(found: list[Resource]) -> None:
    assert only(found, "PodDisruptionBudget")["spec"]["unhealthyPodEvictionPolicy"] == "IfHealthyBudget"
    assert only(found, "ServiceMonitor")["spec"]["serviceDiscoveryRole"] == "EndpointSlice"


def test_certificate_and_pods_share_a_secret_and_the_names(found: list[Resource]) -> None:
    certificate = only(found, "Certificate")["spec"]
    secrets = {one["name"]: one["secret"] for one in pod_of(found)["volumes"] if "secret" in one}
    assert certificate["secretName"] == secrets["tls"]["secretName"]
    services = [one["metadata"] for one in found if one["kind"] == "Service"]
    assert {f"{one['name']}.{one['namespace']}.svc" for one in services} <= set(certificate["dnsNames"])
    assert only(found, "BackendTLSPolicy")["spec"]["validation"]["hostname"] in certificate["dnsNames"]


def test_files_are_where_the_server_looks_for_them(found: list[Resource]) -> None:
    container = pod_of(found)["containers"][0]
    values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert {mount["name"] for mount in mounts.values()} == {volume["name"] for volume in pod_of(found)["volumes"]}
    files = (
        "MELISMA_API_KEYS",
        "MELISMA_STORE__DIRECTORY_PASSWORD_FILE",
        "MELISMA_TLS__CERTIFICATE",
        "MELISMA_TLS__KEY",
    )
    for name in files:
        mount = mounts[str(Path(values[name]).parent)]
        assert mount["readOnly"]
        assert "subPath" not in mount, "a file that is mounted by itself never changes"
    assert {values["MELISMA_TLS__CERTIFICATE"], values["MELISMA_TLS__KEY"]} == {
        f"/etc/melisma/tls/{name}" for name in ("tls.crt", "tls.key")
    }


def test_variables_are_defined_before_they_are_used(found: list[Resource]) -> None:
    known: set[str] = set()
    for entry in pod_of(found)["containers"][0]["env"]:
        assert set(re.findall(r"\$\((\w+)\)", entry.get("value", ""))) <= known
        known.add(entry["name"])
    assert "POD_NAME" in known


def test_scaled_pods_are_not_counted_by_hand(found: list[Resource]) -> None:
    assert "replicas" not in only(found, "Deployment")["spec"]
    query = only(found, "ScaledObject")["spec"]["triggers"][0]["metadata"]["query"]
    assert set(re.findall(r'namespace="([^"]*)"', query)) == {only(found, "Deployment")["metadata"]["namespace"]}


def test_a_changed_setting_rolls_the_pods(tmp_path: Path) -> None:
    one = resources(put_together(tmp_path / "one"))
    other = resources(put_together(tmp_path / "other", literals=["MELISMA_LIMITS__RETRIES=5"]))
    sources = [pod_of(found)["containers"][0]["envFrom"][0]["configMapRef"]["name"] for found in (one, other)]
    assert sources[0] != sources[1]
    for found, source in zip((one, other), sources, strict=True):
        assert only(found, "ConfigMap", source)["data"]["MELISMA_HOST"] == "0.0.0.0"


def readme_blocks() -> list[str]:
    """Return the YAML code blocks of the README."""
    return re.findall(r"```yaml\n(.*?)```", (KUBERNETES / "README.md").read_text("utf-8"), flags=re.DOTALL)


def test_the_query_of_keda_follows_the_namespace_as_the_readme_says(tmp_path: Path) -> None:
    put_together(tmp_path, components=["autoscaling-keda"])
    own = yaml.safe_load((tmp_path / "kustomization.yaml").read_text("utf-8"))
    (block,) = (block for block in readme_blocks() if block.startswith("replacements"))
    given = {**own, "namespace": "songs", **yaml.safe_load(block)}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(given), "utf-8")
    found = resources(kustomized(tmp_path))
    query = only(found, "ScaledObject")["spec"]["triggers"][0]["metadata"]["query"]
    assert 'namespace="songs"}' in query
    assert 'melisma_running_songs"' in query
    assert 'namespace="melisma"' not in query


def test_patches_of_the_readme_are_taken(tmp_path: Path) -> None:
    before_gpus = (KUBERNETES / "README.md").read_text("utf-8").partition("\n## ACE-Step")[0]
    put_together(tmp_path, components=EVERYTHING)
    own = yaml.safe_load((tmp_path / "kustomization.yaml").read_text("utf-8"))
    patches = [
        patch
        for block in readme_blocks()
        if block.startswith("patches") and block in before_gpus
        for patch in yaml.safe_load(block)["patches"]
    ]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({**own, "patches": patches}), "utf-8")
    text = kustomized(tmp_path)
    assert len(patches) == 2
    assert schema_errors(text, tmp_path, VERSIONS[-1]) == []
    assert pod_of(resources(text))["priorityClassName"] == "production"
    assert "https://wiki.example.org/melisma/RUNBOOK.md" in text


@pytest.mark.parametrize("example", ["one", "shared", "roles"])
def test_an_overlay_of_the_readme_is_rendered_as_it_stands(example: str, tmp_path: Path) -> None:
    examples = [block for block in readme_blocks() if "kind: Kustomization" in block]
    meant_for = KUBERNETES / "overlays" / "production"
    text = dict(zip(("one", "shared", "roles"), examples, strict=True))[example]
    moved = re.sub(r"(?<=- )\.\./\S+", lambda path: os.path.relpath(meant_for / path[0], tmp_path.resolve()), text)
    (tmp_path / "kustomization.yaml").write_text(moved, "utf-8")
    text = kustomized(tmp_path)
    found = resources(text)
    assert schema_errors(text, tmp_path, VERSIONS[-1]) == []
    listeners = [listener["hostname"] for listener in only(found, "Gateway")["spec"]["listeners"]]
    kinds = {one["kind"] for one in found} & {"GRPCRoute", "HTTPRoute"}
    assert [only(found, kind)["spec"]["hostnames"] for kind in sorted(kinds)] == [[name] for name in listeners]
    assert all(name.endswith("songs.example.org") for name in listeners)
    assert pod_of(found)["containers"][0]["image"].startswith("registry.example.org/music/melisma:")


def checkov(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Run checkov, and return its exit status and its reports by framework."""
    path = os.pathsep.join([str(Path(tool("kubectl")).parent), os.environ["PATH"]])
    command = [tool("checkov"), "--config-file", str(DEPLOY / "checkov.yaml"), "--output", "json", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    reports = json.loads(done.stdout)
    return done.returncode, {one["check_type"]: one for one in (reports if isinstance(reports, list) else [reports])}


def test_checkov_has_nothing_to_say_of_deploy() -> None:
    status, reports = checkov()
    assert status == 0, reports
    assert reports.keys() == {"dockerfile", "kustomize"}
    passed = {
        check["resource"].partition(":Deployment")[0] for check in reports["kustomize"]["results"]["passed_checks"]
    }
    assert {f"overlay:overlays/{overlay}" for overlay in OVERLAYS} <= passed


def test_checkov_finds_what_is_wrong(everything: str, tmp_path: Path) -> None:
    """All components pass; with one additional right checkov reports a failure."""
    file = tmp_path / "rendered.yaml"
    only_this = ("--framework", "kubernetes", "--directory", tmp_path)
    file.write_text(everything, "utf-8")
    status, reports = checkov(*only_this)
    assert (status, reports["kubernetes"]["summary"]["failed"]) == (0, 0)
    assert reports["kubernetes"]["summary"]["passed"] > 80
    file.write_text(everything.replace("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"), "utf-8")
    status, reports = checkov(*only_this)
    assert status == 1
    assert [check["check_id"] for check in reports["kubernetes"]["results"]["failed_checks"]] == ["CKV_K8S_20"]
