"""Tests that the Kubernetes manifests agree with the server: variables, ports, probes and times."""

import re
import runpy
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from melisma_client.connection import CHANNEL_OPTIONS
from server.api.grpc.health import MUSIC_SERVICE
from server.scheduling.queue_depth import QueueDepth
from server.settings.command_line import InvalidSettings, read_settings
from server.settings.engines import settings_with
from server.settings.settings import Settings
from server.telemetry.metrics import Metrics
from server.telemetry.scraped import expose_depths, expose_draining
from server.version import VERSION
from tests.deploy.static.custom_resources import FIELDS, unknown_fields
from tests.deploy.static.manifests import (
    BASE,
    COMPONENTS,
    CONTAINER,
    DEPLOY,
    KUBERNETES,
    OVERLAYS,
    POD,
    Manifest,
    manifest,
    manifests,
    names,
    pod_of,
    set_by_components,
    settings_of,
    shared_example,
    variables,
)
from tests.support.http_app import build_http

SOUND_PER_SECOND = {"studio": 29.0, "ace-step": 14.4, "ace-step-15": 100.0, "local": 29.0}
"""Seconds of sound that a pod makes per second, by overlay: measured on two cores, or estimated for an A100 at 60
steps, and at 8 steps for turbo models.
"""
LONGEST_SONG_SECONDS = {"studio": 240.0, "ace-step": 240.0, "ace-step-15": 600.0, "musicgen": 240.0, "local": 240.0}
CLUSTER_AUTOSCALER_SECONDS = 600
"""Default time in seconds for which the cluster autoscaler waits for a pod to end."""
GRPC_LOOK_UP_SECONDS = 30
"""Default minimum time in seconds between two DNS queries of a gRPC client."""
DNS_SECONDS = 5
"""Default time in seconds for which CoreDNS caches a response."""


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_knows_every_variable_and_takes_its_value(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = variables(overlay) | set_by_components()
    assert given.keys() <= set(names(settings_with()))
    for name, value in (set_by_components() | shared_example()).items():
        monkeypatch.setenv(name, value)
    settings = settings_of(overlay, monkeypatch)
    assert settings.tls.certificate
    assert settings.store.kind == "shared"
    assert settings.api_keys
    assert settings.host == "0.0.0.0"


def test_no_variable_is_mentioned_that_does_not_exist() -> None:
    files = (path for path in KUBERNETES.rglob("*") if path.suffix in {".yaml", ".env", ".md"})
    mentioned = {name for path in files for name in re.findall(r"MELISMA_[A-Z0-9_]+", path.read_text("utf-8"))}
    assert mentioned - set(names(settings_with())) == set()
    assert len(mentioned) > 10


def test_ports_are_those_on_which_the_server_listens() -> None:
    listens = {"grpc": Settings().port, "http": Settings().http_port}
    assert {port["name"]: port["containerPort"] for port in CONTAINER["ports"]} == listens
    for name in ("service.yaml", "service-pods.yaml"):
        for port in manifest("base", name)["spec"]["ports"]:
            assert (port["port"], port["targetPort"]) == (listens[port["name"]], port["name"])
    route = manifest("components", "gateway", "grpcroute.yaml")
    assert route["spec"]["rules"][0]["backendRefs"][0]["port"] == listens["grpc"]
    (rest,) = manifest("components", "rest", "service.yaml")["spec"]["ports"]
    assert (rest["port"], rest["targetPort"]) == (listens["http"], "http")
    http_route = manifest("components", "rest", "httproute.yaml")
    assert http_route["spec"]["rules"][0]["backendRefs"][0]["port"] == rest["port"]


def test_probes_and_prometheus_ask_for_what_is_there() -> None:
    app = build_http(CollectorRegistry(), readiness_problem=lambda: None)
    there = {route.path for route in app.routes if isinstance(route, Route)}
    probes = [CONTAINER[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert [probe["path"] for probe in probes] == ["/readyz?full=ok", "/readyz?full=ok", "/livez"]
    assert {probe["port"] for probe in probes} == {"http"}
    monitor = manifest("components", "monitoring", "servicemonitor.yaml")
    asked = {probe["path"].partition("?")[0] for probe in probes} | {
        endpoint["path"] for endpoint in monitor["spec"]["endpoints"]
    }
    assert asked <= there


def test_with_tls_probes_and_prometheus_ask_at_a_port_without_it() -> None:
    """Kubernetes probes and Prometheus have no client certificate, which mutual TLS requires."""
    (container,) = pod_of(manifest("components", "tls", "deployment.yaml"))["containers"]
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    (port,) = container["ports"]
    assert port["containerPort"] == int(variables["MELISMA_OPERATIONS_PORT"])
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert probes == [{"port": port["name"]}] * 3
    metrics = manifest("components", "tls", "service-pods.yaml")["spec"]["ports"][-1]
    assert metrics["targetPort"] == port["name"]
    (rule,) = manifest("components", "monitoring", "networkpolicy.yaml")["spec"]["ingress"]
    assert port["name"] in {allowed["port"] for allowed in rule["ports"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_volume_of_songs_is_larger_than_what_is_kept(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The volume is larger than the limit of stored sound plus 1.25 times the sound, at 320 kbit/s, of all songs that a
    full pod makes and has in its queue.
    """
    settings = settings_of(overlay, monkeypatch)
    limits = settings.limits
    mounts = {mount["mountPath"]: mount["name"] for mount in CONTAINER["volumeMounts"]}
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    (folder,) = re.findall(r"MELISMA_STORE__FOLDER=(\S+)", dockerfile)
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    size = volumes[mounts[folder]]["emptyDir"]["sizeLimit"]
    making = (limits.running_songs + limits.queued_songs) * LONGEST_SONG_SECONDS[overlay] * 320_000 / 8 / (1 << 20)
    assert int(size.removesuffix("Gi")) * 1024 > settings.store.max_mebibytes + 1.25 * making
    assert "MELISMA_STORE__MAX_MEBIBYTES" in variables(overlay)


def patch_of(overlay: str) -> Manifest:
    """Return the patch of an overlay for the Deployment; an empty one if the overlay does not change the Deployment."""
    path = KUBERNETES / "overlays" / overlay / "deployment.yaml"
    return manifest("overlays", overlay, path.name) if path.exists() else {"spec": {"template": {"spec": {}}}}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_that_goes_has_time_to_finish(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {**POD, **pod_of(patch_of(overlay))}["terminationGracePeriodSeconds"]
    grace = settings_of(overlay, monkeypatch).grace_seconds
    assert CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"] + grace + 15 <= given <= CLUSTER_AUTOSCALER_SECONDS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_slow_load_is_waited_for(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The startup probe and the Deployment's progress deadline are longer than the time limit for loading engines.

    On a full cluster the new pod also waits until the old pod has finished its songs.
    """
    patch = patch_of(overlay)
    spec = manifest("base", "deployment.yaml")["spec"] | patch["spec"]
    container = next(iter(pod_of(patch).get("containers", [])), Manifest())
    probe = CONTAINER["startupProbe"] | container.get("startupProbe", {})
    waits = probe["periodSeconds"] * probe["failureThreshold"]
    load = settings_of(overlay, monkeypatch).limits.load_timeout_seconds
    assert load + 30 < waits <= load + 120
    given = {**POD, **pod_of(patch)}["terminationGracePeriodSeconds"]
    assert given + waits + spec["minReadySeconds"] < spec["progressDeadlineSeconds"]


@pytest.mark.parametrize(
    "path", [("base", "deployment.yaml"), ("components", "roles", "frontend.yaml")], ids=lambda path: path[0]
)
def test_no_client_loses_all_the_pods_that_it_knows(path: tuple[str, ...]) -> None:
    """The strategy, ready time and shutdown delay of the Deployment let gRPC clients find new pods before old ones
    end.
    """
    spec = manifest(*path)["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["minReadySeconds"] >= GRPC_LOOK_UP_SECONDS
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] > DNS_SECONDS
    looked_up = dict(CHANNEL_OPTIONS)["grpc.dns_min_time_between_resolutions_ms"]
    assert int(looked_up) <= 1000 * spec["minReadySeconds"] / 2


@pytest.mark.parametrize("overlay", ["ace-step", "ace-step-15", "studio"])
def test_the_longest_songs_of_a_full_pod_end_within_the_grace(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(overlay, monkeypatch)
    songs = settings.limits.running_songs + settings.limits.queued_songs
    assert songs * LONGEST_SONG_SECONDS[overlay] / SOUND_PER_SECOND[overlay] < settings.grace_seconds


def test_no_service_becomes_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """With service links, Kubernetes would set MELISMA_PORT and other variables for the Service named melisma."""
    monkeypatch.setenv("MELISMA_PORT", "tcp://10.96.0.7:50051")
    with pytest.raises(InvalidSettings, match="MELISMA_PORT"):
        read_settings([])
    assert POD["enableServiceLinks"] is False


def test_the_image_is_that_of_the_dockerfile() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    user = POD["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in dockerfile
    assert re.search(r"\bHOME=/tmp\b", dockerfile)
    assert "/tmp" in {mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    weights = [KUBERNETES / "overlays" / name for name in ("ace-step", "ace-step-15")]
    for folder in weights:
        mounts = pod_of(manifest("overlays", folder.name, "deployment.yaml"))["containers"][0]["volumeMounts"]
        downloads = next(mount["mountPath"] for mount in mounts if mount["name"] == "models")
        assert f"HF_HOME={downloads}" in dockerfile
    for folder in (BASE, *weights):
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
        assert kustomization["images"][0]["newTag"] == VERSION
    labels = yaml.safe_load((BASE / "kustomization.yaml").read_text("utf-8"))["labels"][0]["pairs"]
    assert labels["app.kubernetes.io/version"] == VERSION


def test_the_gateway_lets_streams_live() -> None:
    matches = manifest("components", "gateway", "grpcroute.yaml")["spec"]["rules"][0]["matches"]
    offered = {MUSIC_SERVICE, "grpc.health.v1.Health"}
    assert {match["method"]["service"] for match in matches} <= offered
    policy = manifest("components", "gateway-envoy", "backendtrafficpolicy.yaml")["spec"]
    assert policy["healthCheck"]["active"]["grpc"]["service"] == MUSIC_SERVICE
    back = policy["timeout"]["http"]
    front = manifest("components", "gateway-envoy", "clienttrafficpolicy.yaml")["spec"]["timeout"]["http"]
    assert {back["requestTimeout"], back["maxStreamDuration"]} == {"0s"}
    (rule,) = manifest("components", "rest", "httproute.yaml")["spec"]["rules"]
    assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    for policy in (back, front):
        assert seconds(policy["streamIdleTimeout"]) >= 4 * Settings().limits.heartbeat_seconds


def test_scaling_asks_for_metrics_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    Metrics(registry, engines=["studio"], devices=["cpu"])
    expose_depths(registry, lambda: {"studio": QueueDepth()})
    expose_draining(registry, lambda: False)
    exist = {sample.name for family in registry.collect() for sample in family.samples}
    scaled = manifest("components", "autoscaling-keda", "scaledobject.yaml")["spec"]
    trigger = scaled["triggers"][0]["metadata"]
    rule = manifest("components", "autoscaling-hpa", "adapter-rules.yaml")["rules"]["custom"][0]
    songs = {"melisma_queue_songs", "melisma_running_songs"}
    # A HorizontalPodAutoscaler leaves out pods that are being deleted by itself.
    for query, more in ((trigger["query"], {"melisma_draining"}), (rule["metricsQuery"], set[str]())):
        asked = set(re.findall(r"melisma_\w+", query))
        assert asked == songs | more
        assert asked <= exist
    assert rule["seriesQuery"].partition("{")[0] in exist
    assert float(trigger["threshold"]) < settings_of("studio", monkeypatch).limits.running_songs


def test_both_ways_to_scale_are_one() -> None:
    keda = manifest("components", "autoscaling-keda", "scaledobject.yaml")["spec"]
    plain = manifest("components", "autoscaling-hpa", "horizontalpodautoscaler.yaml")["spec"]
    rule = manifest("components", "autoscaling-hpa", "adapter-rules.yaml")["rules"]["custom"][0]
    metric = plain["metrics"][0]["pods"]
    assert keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == plain["behavior"]
    assert keda["triggers"][0]["metadata"]["threshold"] == metric["target"]["averageValue"]
    assert metric["metric"]["name"] == rule["name"]["as"]
    assert (keda["minReplicaCount"], keda["maxReplicaCount"]) == (plain["minReplicas"], plain["maxReplicas"])
    assert keda["scaleTargetRef"] == plain["scaleTargetRef"]


def test_scaling_down_waits_for_as_long_as_songs_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    down = manifest("components", "autoscaling-hpa", "horizontalpodautoscaler.yaml")["spec"]["behavior"]["scaleDown"]
    assert down["stabilizationWindowSeconds"] >= settings_of("studio", monkeypatch).grace_seconds


def test_the_rules_of_the_cluster_are_those_of_prometheus() -> None:
    folder = COMPONENTS / "monitoring"
    rule, monitor = manifest("components", "monitoring", "prometheusrule.yaml"), folder / "servicemonitor.yaml"
    sources = (
        yaml.safe_load((DEPLOY / "prometheus" / name).read_text("utf-8")) for name in ("rules.yml", "alerts.yml")
    )
    assert rule["spec"]["groups"] == [group for source in sources for group in source["groups"]], "run render.py"
    assert rule["metadata"]["labels"] == yaml.safe_load(monitor.read_text("utf-8"))["metadata"]["labels"]
    rendered = runpy.run_path(str(folder / "render.py"))["rendered"]()
    assert (folder / "prometheusrule.yaml").read_text("utf-8") == rendered
    inhibition = runpy.run_path(str(folder / "render.py"))["rendered_inhibition"]()
    assert (folder / "alertmanagerconfig.yaml").read_text("utf-8") == inhibition
    assert len(yaml.safe_load(inhibition)["spec"]["inhibitRules"]) == inhibition.count("sourceMatch:") > 10


def test_custom_resources_have_no_field_that_was_not_looked_up() -> None:
    kinds = {kind for _, kind in FIELDS}
    found = [resource for _, resource in manifests() if resource.get("kind") in kinds]
    assert {(resource["apiVersion"], resource["kind"]) for resource in found} == set(FIELDS)
    assert {field for resource in found for field in unknown_fields(resource)} == set()
    misspelt = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": {"minReplicasCount": 2}}
    assert unknown_fields(misspelt) == {"minReplicasCount"}


@pytest.mark.parametrize("folder", [COMPONENTS, KUBERNETES / "overlays"])
def test_the_readme_says_what_each_folder_is_for(folder: Path) -> None:
    table = (KUBERNETES / "README.md").read_text("utf-8")
    assert [one.name for one in folder.iterdir() if f"| `{folder.name}/{one.name}` |" not in table] == []
