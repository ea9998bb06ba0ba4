"""Tests that the manifests of frontends, generators and their autoscaling agree with the server. They need no
program.
"""

import re
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from server.settings.settings import Settings
from server.store.shared.addresses import DirectoryAddress
from server.store.shared.scripts import texts
from server.telemetry.scraped import expose_work
from tests.deploy.static.manifests import CONTAINER, ROOT, Manifest, manifest, pod_of, settings_of, shared_example

SCALED = manifest("components", "autoscaling-keda-backlog", "scaledobject.yaml")["spec"]
FRONTEND = pod_of(manifest("components", "roles", "frontend.yaml"))
GENERATOR = pod_of(manifest("components", "roles", "generator.yaml"))


def trigger(kind: str) -> dict[str, Any]:
    (found,) = (one["metadata"] for one in SCALED["triggers"] if one["type"] == kind)
    return dict(found)


def values(pod: Manifest) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}


def test_a_frontend_has_the_ports_and_probes_of_the_base_and_time_to_end() -> None:
    container = FRONTEND["containers"][0]
    assert container["ports"] == CONTAINER["ports"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == CONTAINER[probe]["httpGet"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = float(values(FRONTEND)["MELISMA_GRACE_SECONDS"])
    assert pause + grace + 15 <= FRONTEND["terminationGracePeriodSeconds"]


def test_roles_are_those_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shared_example().items() | {"MELISMA_STORE__KIND": "shared"}.items():
        monkeypatch.setenv(name, value)
    for pod, makes_songs in ((FRONTEND, False), (GENERATOR, True)):
        monkeypatch.setenv("MELISMA_ROLE", values(pod)["MELISMA_ROLE"])
        assert settings_of("studio", monkeypatch).makes_songs == makes_songs
        assert settings_of("studio", monkeypatch).takes_calls != makes_songs


def test_a_song_that_has_lost_its_generator_waits_for_longer_than_a_start() -> None:
    (settings,) = manifest("components", "roles", "kustomization.yaml")["configMapGenerator"]
    (resume,) = (line.partition("=")[2] for line in settings["literals"] if "RESUME_SECONDS" in line)
    assert float(resume) > 2 * float(values(FRONTEND)["MELISMA_STORE__COLD_START_SECONDS"])


def test_keda_reads_a_list_that_servers_write_in_the_directory_of_the_example() -> None:
    asked = trigger("redis")
    prefix, _, engine = asked["listName"].rpartition(":")
    assert f"'{prefix}:' .. engine" in texts()["demand"]
    assert engine == Settings().engine_names[0]
    address = DirectoryAddress.parse(shared_example()["MELISMA_STORE__DIRECTORY"])
    host, port = asked["address"].rsplit(":", 1)
    assert (host, int(port)) == address.hosts[0]
    assert (asked["username"], int(asked["databaseIndex"])) == (address.user, address.database)
    assert asked["enableTLS"] == str(address.tls).lower()
    assert asked["activationListLength"] == "0"


def test_keda_asks_prometheus_for_a_metric_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    expose_work(registry, lambda: ({"studio": 1}, {"studio": 2.5}))
    query = trigger("prometheus")["query"]
    (name,) = set(re.findall(r"melisma_\w+", query))
    assert registry.get_sample_value(name, {"engine": "studio"}) == 2.5
    assert query.startswith("max("), "each server tells the figure of the whole service"
    assert float(trigger("redis")["listLength"]) < settings_of("studio", monkeypatch).limits.running_songs


def test_the_guide_tells_of_roles_and_of_what_was_never_run() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    for heading in ("### Roles", "### Autoscaling", "### Never run on a cluster"):
        assert f"\n{heading}\n" in guide
