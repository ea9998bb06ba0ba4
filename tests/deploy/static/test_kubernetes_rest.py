"""Tests that the manifests expose only the HTTP paths of REST and the preview page."""

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from server.api.http.preview_page import page_routes
from server.api.proxies import TrustedProxies
from server.api.rest.openapi import document
from server.settings.command_line import read_settings
from tests.deploy.static.manifests import Manifest, manifest, pod_of, set_by_components, settings_of
from tests.support.http_app import build_http


def leads_to(route: Manifest, path: str) -> bool:
    """Return True if an HTTPRoute matches a path; prefixes match whole path segments."""
    matches = [match["path"] for rule in route["spec"]["rules"] for match in rule["matches"]]
    prefixes = [match["value"].rstrip("/") for match in matches if match["type"] == "PathPrefix"]
    exact = [match["value"] for match in matches if match["type"] == "Exact"]
    return path in exact or any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def test_rest_is_closed_in_the_base_and_its_route_leads_to_songs_and_the_page_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not settings_of("studio", monkeypatch).rest.enabled
    assert set_by_components()["MELISMA_REST__ENABLED"] == "true"
    route = manifest("components", "rest", "httproute.yaml")
    app = build_http(CollectorRegistry(), readiness_problem=lambda: None)
    inside = {one.path for one in app.routes if isinstance(one, Route)}
    outside = {*document(secured=True)["paths"], "/openapi.json", *(one.path for one in page_routes())}
    assert {"/metrics", "/livez", "/readyz"} <= inside
    assert {"/", "/v1/audio/music/generate", "/audio/{task_id}.mp3"} <= outside
    assert [path for path in inside if leads_to(route, path)] == []
    assert [path for path in outside if not leads_to(route, path)] == []


def test_answers_name_the_gateway_as_it_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    patch = pod_of(manifest("components", "rest", "deployment.yaml"))["containers"][0]
    for variable in patch["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    proxies = TrustedProxies(read_settings([]).proxies.networks)
    assert proxies.trusts("10.1.2.3")
    assert proxies.trusts("fd00::1")
