"""Tests of REST on Kubernetes: one pod, a host name for REST, and a closed HTTP port without REST."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.deploy.rendered import (
    EVERYTHING,
    ONE_POD,
    VERSIONS,
    Resource,
    only,
    pod_of,
    put_together,
    resources,
    schema_errors,
)
from tests.deploy.static.custom_resources import FIELDS, unknown_fields

pytestmark = pytest.mark.deploy


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fixture: the rendered overlay studio with REST, and all components that can be combined with it."""
    return put_together(tmp_path_factory.mktemp("one-pod"), components=ONE_POD)


@pytest.fixture(scope="module")
def one_pod(rendered: str) -> list[Resource]:
    return resources(rendered)


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_goes_with_rest_fits_the_schemas(rendered: str, version: str, tmp_path: Path) -> None:
    assert schema_errors(rendered, tmp_path, version) == []
    customs = [one for one in resources(rendered) if (one["apiVersion"], one["kind"]) in FIELDS]
    assert "HTTPRoute" in {one["kind"] for one in customs}
    assert {field for one in customs for field in unknown_fields(one)} == set()


def test_rest_has_a_name_and_a_listener_of_its_own(one_pod: list[Resource]) -> None:
    """A gateway refuses two kinds of route with the same host name on one listener."""
    listeners = {one["name"]: one for one in only(one_pod, "Gateway")["spec"]["listeners"]}
    routes = [only(one_pod, kind)["spec"] for kind in ("GRPCRoute", "HTTPRoute")]
    assert [route["parentRefs"][0]["sectionName"] for route in routes] == list(listeners) == ["https", "rest"]
    assert [route["hostnames"] for route in routes] == [[one["hostname"]] for one in listeners.values()]
    assert len({one["hostname"] for one in listeners.values()}) == 2
    assert {one["protocol"] for one in listeners.values()} == {"HTTPS"}
    (rule,) = routes[1]["rules"]
    service = only(one_pod, "Service", rule["backendRefs"][0]["name"])
    assert service["spec"]["ports"][0]["port"] == rule["backendRefs"][0]["port"]
    monitored = only(one_pod, "ServiceMonitor")["spec"]["endpoints"][0]["port"]
    ports = [port["name"] for one in one_pod if one["kind"] == "Service" for port in one["spec"]["ports"]]
    assert ports.count(monitored) == 1


def test_with_rest_there_is_one_pod_that_is_reached_even_when_it_is_full(one_pod: list[Resource]) -> None:
    assert only(one_pod, "Deployment")["spec"]["replicas"] == 1
    container = pod_of(one_pod)["containers"][0]
    assert {"name": "MELISMA_REST__ENABLED", "value": "true"} in container["env"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/livez", "port": "operations"}
    assert container["startupProbe"]["httpGet"]["path"] == "/readyz?full=ok"


def let_in(found: Iterable[Resource], port: str) -> set[str]:
    """Return the labels of the namespaces from which network policies admit connections to a port."""
    policies = [one["spec"] for one in found if one["kind"] == "NetworkPolicy"]
    rules = [rule for policy in policies for rule in policy.get("ingress", [])]
    sources = [source for rule in rules if port in {one["port"] for one in rule["ports"]} for source in rule["from"]]
    return {"=".join(pair) for source in sources for pair in source["namespaceSelector"]["matchLabels"].items()}


def test_callers_are_let_in_to_the_http_port_with_rest_alone(one_pod: list[Resource], tmp_path: Path) -> None:
    without = resources(put_together(tmp_path, components=EVERYTHING))
    assert let_in(without, "http") == {"kubernetes.io/metadata.name=monitoring"}
    assert let_in(one_pod, "http") == let_in(one_pod, "grpc") | let_in(without, "http")
