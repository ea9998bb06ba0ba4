"""Tests that the settings, names, rights and limits for a shared store in deploy/ are consistent. They need no
program.
"""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings.settings import Settings
from server.store.shared.addresses import DirectoryAddress, ObjectsAddress
from server.store.shared.scripts import texts
from server.version import VERSION
from tests.deploy.static.manifests import DEPLOY, KUBERNETES, ROOT, manifest, pod_of, shared_example
from tests.deploy.static.test_image import COMPOSE as ONE_SERVER
from tests.deploy.static.test_image import settings_with
from tests.support.table import table

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.shared.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("melisma-1", "melisma-2")
GUIDE = (ROOT / "docs" / "operating.md").read_text("utf-8").partition("## A shared store\n")[2]
RIGHTS = "~m:* &m:* +@all -@dangerous +info"
SETTINGS = [f"MELISMA_STORE__{name.upper()}" for name in type(Settings().store).model_fields]


@table("name", SERVICES)
def test_a_container_has_no_rights_and_an_end(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service.keys().isdisjoint({"privileged", "cap_add", "pid", "ipc", "network_mode"})
    assert re.search(r":(distroless-v)?\d+(\.\d+){1,2}$", service["image"])
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []
    # Our image names its user itself.
    assert name in OURS or re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])


def test_what_containers_mount_and_name_is_there() -> None:
    assert {"melisma-1", "melisma-2", "envoy", "directory", "objects"} == set(SERVICES)
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source, *rest = volume.split(":")
            assert (DEPLOY / source).exists() and rest[-1] == "ro" if source[0] == "." else source in COMPOSE["volumes"]
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", [])) <= set(SERVICES)
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert [f"/deploy/{one['file'].removeprefix('./')}" for one in COMPOSE["secrets"].values()] == [
        "/deploy/directory-password"
    ]
    assert "/deploy/directory-password" in ignored


def test_both_servers_are_one_image_that_compose_yaml_builds_too() -> None:
    assert SERVICES["melisma-1"].keys() == SERVICES["melisma-2"].keys()
    for name in OURS:
        service, other = SERVICES[name], ONE_SERVER["services"]["melisma-cpu"]
        assert service["image"] == other["image"] == f"melisma:{VERSION}"
        assert service["build"] == other["build"]
        assert service["deploy"] == other["deploy"]


@pytest.mark.parametrize("name", OURS)
def test_servers_find_directory_and_objects(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES[name]
    ours = {key: value for key, value in service["environment"].items() if key.startswith("MELISMA_")}
    settings = settings_with(monkeypatch, ours)
    store = settings.store
    assert store.kind == "shared"
    address, objects = DirectoryAddress.parse(store.directory), ObjectsAddress.parse(store.objects)
    assert address.hosts == (("directory", 6379),)
    assert f"-bucket={objects.bucket}" in SERVICES["objects"]["command"]
    assert store.objects_endpoint == "http://objects:8333"
    assert store.directory_password_file == f"/run/secrets/{service['secrets'][0]}"
    assert store.directory_password_file in SERVICES["directory"]["command"]
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    assert [service["environment"][key] for key in keys] == [SERVICES["objects"]["environment"][key] for key in keys]
    assert set(service["networks"]) >= set(SERVICES["directory"]["networks"]) | set(SERVICES["objects"]["networks"])
    assert COMPOSE["networks"]["store"] == {"internal": True}
    assert float(service["stop_grace_period"].removesuffix("s")) > settings.grace_seconds + 10
    assert int(service["ports"][0].rpartition(":")[2]) == settings.http_port


def test_envoy_finds_both_servers_by_one_name() -> None:
    envoy = yaml.safe_load((DEPLOY / "balancers" / "envoy.yaml").read_text("utf-8"))
    resources = envoy["static_resources"]
    for cluster in resources["clusters"]:
        (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        asked = endpoint["endpoint"]["address"]["socket_address"]["address"]
        assert all(asked in SERVICES[name]["networks"]["default"]["aliases"] for name in OURS)
        assert cluster["type"] == "STRICT_DNS"
    ports = [listener["address"]["socket_address"]["port_value"] for listener in resources["listeners"]]
    assert SERVICES["envoy"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]
    assert (DEPLOY / "balancers/envoy.yaml").is_file()
    assert SERVICES["envoy"]["volumes"] == [f"./balancers/envoy.yaml:{SERVICES['envoy']['command'][1]}:ro"]


def test_the_directory_keeps_what_it_is_given() -> None:
    text = (DEPLOY / "valkey" / "valkey.conf").read_text("utf-8")
    configuration = dict(line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert configuration["maxmemory-policy"] == "noeviction"
    assert (configuration["appendonly"], configuration["appendfsync"]) == ("yes", "everysec")
    limit = SERVICES["directory"]["deploy"]["resources"]["limits"]["memory"]
    assert int(limit.removesuffix("g")) >= 2 * int(configuration["maxmemory"].removesuffix("gb"))
    start = DEPLOY / "valkey" / "start.sh"
    assert start.stat().st_mode & stat.S_IXOTH
    assert f"/etc/valkey/{start.name}" in SERVICES["directory"]["entrypoint"]


def test_the_user_of_the_directory_has_the_rights_that_the_guide_tells_and_scripts_need() -> None:
    assert f"resetchannels {RIGHTS}" in (DEPLOY / "valkey" / "start.sh").read_text("utf-8")
    assert RIGHTS in GUIDE
    assert "user default off ~* &* +@all\n" in GUIDE
    keys = {key for text in texts().values() for key in re.findall(r"call\('[A-Z]+', '([^']+)'", text)}
    assert len(keys) > 10
    assert {key[:2] for key in keys} == {"m:"}


def test_the_guide_explains_every_setting_of_the_shared_store_and_no_other() -> None:
    of_the_embedded = {"MELISMA_STORE__FOLDER"}
    told = set(re.findall(r"^\| `(MELISMA_STORE__\w+)`", GUIDE, re.MULTILINE))
    assert told == set(SETTINGS) - of_the_embedded
    for name in told:
        field = type(Settings().store).model_fields[name.removeprefix("MELISMA_STORE__").lower()]
        default = field.default if field.default != "" else "empty"
        (row,) = re.findall(rf"^\| `{name}` \| ([^|]*) \|", GUIDE, re.MULTILINE)
        assert row.strip("`") == (f"{default:g}" if isinstance(default, float | int) else default)


@pytest.mark.parametrize("file", ["docs/operating.md", "deploy/RUNBOOK.md", "deploy/kubernetes/README.md"])
def test_links_lead_somewhere(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert links
    for path, _, anchor in (link.partition("#") for link in links):
        target = ((ROOT / file).parent / path).resolve() if path else ROOT / file
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def anchors(file: Path) -> set[str]:
    """Return the link anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_pods_are_let_out_to_where_the_example_says_that_the_store_is() -> None:
    example = shared_example()
    address = DirectoryAddress.parse(example["MELISMA_STORE__DIRECTORY"])
    assert address.tls
    to_directory, to_objects = manifest("components", "shared-store", "networkpolicy.yaml")["spec"]["egress"]
    (host, port), *_ = address.hosts
    (source,) = to_directory["to"]
    assert source["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == host.split(".")[1]
    assert port in {one["port"] for one in to_directory["ports"]}
    assert ObjectsAddress.parse(example["MELISMA_STORE__OBJECTS"]).scheme == "s3"
    assert [one["port"] for one in to_objects["ports"]] == [443]
    assert "169.254.0.0/16" in to_objects["to"][0]["ipBlock"]["except"]
    container = pod_of(manifest("components", "shared-store", "deployment.yaml"))["containers"][0]
    folder = next(mount["mountPath"] for mount in container["volumeMounts"] if mount.get("name") == "directory")
    files = {entry["name"]: entry["value"] for entry in container["env"]} | example
    for name in ("MELISMA_STORE__DIRECTORY_PASSWORD_FILE", "MELISMA_STORE__DIRECTORY_CA"):
        assert str(Path(files[name]).parent) == folder
        assert f"--from-file={Path(files[name]).name}" in (KUBERNETES / "README.md").read_text("utf-8")
