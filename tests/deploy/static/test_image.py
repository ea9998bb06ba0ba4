"""Tests of deploy/Dockerfile and deploy/compose.yaml as text, without a program: the files that they name exist,
versions are pinned, and containers get no privileges.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from server.api.http.preview_page import FOLDER as PAGE
from server.settings.command_line import read_settings
from server.settings.settings import Settings
from server.settings.variables import ENVIRONMENT_PREFIX
from server.version import VERSION
from tests.support.table import table

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name in SERVICES if name.startswith("melisma-")]


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile in order: each with its name and arguments."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    pairs = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(name, rest.strip()) for name, _, rest in pairs]


def of(kind: str) -> list[str]:
    return [rest for name, rest in instructions() if name == kind]


def defaults() -> dict[str, str]:
    """Return the default values of the build arguments, by name."""
    return dict(re.fullmatch(r"(\w+)=(.*)", rest).groups() for rest in of("ARG"))  # type: ignore[union-attr, misc]


def image_environment() -> dict[str, str]:
    return dict(part.split("=", 1) for rest in of("ENV") for part in rest.split())


def copied_from_the_context() -> Iterator[str]:
    for rest in of("COPY"):
        if not rest.startswith("--from="):
            yield from rest.replace("${LOCK}", defaults()["LOCK"]).split()[:-1]


def test_all_stages_stand_on_one_python_with_a_fixed_version() -> None:
    assert {rest.split()[0] for rest in of("FROM")} == {"${BASE}"}
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", defaults()["BASE"])


def test_the_version_of_the_image_is_that_of_the_server() -> None:
    assert defaults()["VERSION"] == VERSION
    assert {SERVICES[name]["image"].split(":")[1] for name in OURS} == {VERSION}


def test_what_runs_is_nobody_and_hears_signals() -> None:
    names = [name for name, _ in instructions()]
    assert of("USER") == ["10001:10001"]
    assert "RUN" not in names[names.index("USER") :]
    assert json.loads(of("ENTRYPOINT")[0]) == ["python", "-m", "server"]
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(of("HEALTHCHECK")[0].split(" CMD ", 1)[1])[0] == "python"


def test_the_image_opens_the_ports_that_the_server_listens_on() -> None:
    fields = Settings.model_fields
    assert of("EXPOSE") == [f"{fields['port'].default} {fields['http_port'].default}"]
    assert str(fields["http_port"].default) in of("HEALTHCHECK")[0]


def test_what_the_image_sets_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(monkeypatch, image_environment())
    assert settings.host == "0.0.0.0"
    assert settings.rest.enabled


def test_only_what_is_locked_is_installed() -> None:
    installs = [rest for rest in of("RUN") if "pip install" in rest]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    debian = [rest for rest in of("RUN") if "apt-get" in rest]
    assert not re.search(r"apt|curl|wget|ADD ", "\n".join(rest for rest in of("RUN") if rest not in debian))
    # The compiler alone, where torch can use it.
    assert [re.findall(r"apt-get install [^&]*recommends ([^&;]*\w)", rest) for rest in debian] == [["gcc libc6-dev"]]
    assert SERVICES["melisma-cuda"]["build"]["args"]["LOCK"] != defaults()["LOCK"]
    assert f'[ "${{LOCK}}" != {defaults()["LOCK"]} ]' in debian[0]


def test_what_torch_compiles_is_kept_where_it_may_be_run() -> None:
    folders = {image_environment()[name] for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")}
    made = next(rest for rest in of("RUN") if "groupadd" in rest)
    kept = "/var/cache/melisma"
    assert f"install -d -o 10001 -g 10001 {kept}" in made
    assert {str(Path(folder).parent) for folder in folders} == {kept}
    # A tmpfs forbids to run what is in it; volumes do not.
    mounts = [volume.split(":")[1] for volume in SERVICES["melisma-cuda"]["volumes"]]
    assert kept in mounts
    assert not any(mount.split(":")[0] == kept for mount in SERVICES["melisma-cuda"]["tmpfs"])


def test_what_is_copied_exists_and_nothing_else_enters_a_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    assert [path for path in let_in if not (ROOT / path).exists()] == []
    copied = list(copied_from_the_context())
    assert [path for path in copied if not any(Path(kept).is_relative_to(path) for kept in let_in)] == []
    # The lock is the builder's choice.
    locks = {f"requirements/{name}.lock" for name in ("runtime", "ace_step", "ray")}
    assert [path for path in {*let_in} - locks if not any(Path(path).is_relative_to(source) for source in copied)] == []
    assert locks <= {*let_in}
    assert "model/training" in ignored


def enters_a_build(path: str) -> bool:
    """Return True if .dockerignore includes a file in a build: the last line that matches the file or a folder above it
    decides.
    """
    folders = [path, *map(str, Path(path).parents)]
    kept = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if not line.startswith("#") and any(re.fullmatch(pattern, folder) for folder in folders):
            kept = line.startswith("!")
    return kept


def test_the_page_is_in_the_image() -> None:
    files = [str(path.relative_to(ROOT)) for path in PAGE.rglob("*") if path.is_file()]
    assert {"server/api/http/page/index.html", "server/api/http/page/style.css", "server/api/http/page/main.js"} <= {
        *files
    }
    assert [file for file in files if not enters_a_build(file)] == []
    copied = list(copied_from_the_context())
    assert [file for file in files if not any(Path(file).is_relative_to(source) for source in copied)] == []
    assert not enters_a_build("server/song.mp3")
    assert not enters_a_build("tests/support/service.py")
    assert not enters_a_build("server/api/rest/__pycache__/routes.pyc")


def test_the_page_is_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("melisma-*.whl")
    files = {str(path.relative_to(ROOT)) for path in PAGE.rglob("*") if path.is_file()}
    assert files <= set(ZipFile(wheel).namelist())


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml", "without_cuda.py"])
def test_nothing_says_where_packages_come_from(file: str) -> None:
    text = (DEPLOY / file).read_text("utf-8")
    assert not re.findall(
        r"https?://(?!(?:\.\.\.|localhost|127\.0\.0\.1|otel-collector\b))\S+|\b[\w-]+\.(?:org|com|io)/", text
    )


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml", "compose.shared.yaml"])
def test_every_variable_of_ours_is_a_setting(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    mentioned = set(re.findall(r"MELISMA_[A-Z_]+", (DEPLOY / file).read_text("utf-8")))
    with pytest.raises(SystemExit):
        read_settings(["--help"])
    assert mentioned
    assert mentioned <= set(re.findall(r"MELISMA_[A-Z_]+", capsys.readouterr().out))


@table("name", SERVICES)
def test_a_container_of_the_compose_file_has_no_rights_and_an_end(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert "privileged" not in service
    assert service.keys().isdisjoint({"cap_add", "user", "pid", "ipc", "network_mode"})
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
    assert [port for port in service.get("ports", []) if not re.match(r"127\.0\.0\.1:|\$\{LISTEN:-127", port)] == []


@table("name", SERVICES)
def test_what_the_compose_file_mounts_exists(name: str) -> None:
    volumes = [mount.split(":") for mount in SERVICES[name].get("volumes", []) if not mount.startswith("${")]
    files = [(source, rest) for source, *rest in volumes if source.startswith(".")]
    assert [source for source, _ in files if not (DEPLOY / source).exists()] == []
    assert [source for source, rest in files if rest[-1] != "ro"] == []
    assert {source for source, *_ in volumes if not source.startswith(".")} <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_the_compose_file_builds_the_image_with_arguments_that_it_has(name: str) -> None:
    build = SERVICES[name]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    assert set(build["args"]) <= set(defaults())
    assert (ROOT / build["args"].get("LOCK", defaults()["LOCK"])).is_file()


@pytest.mark.parametrize("name", OURS)
def test_the_compose_file_sets_settings_and_waits_for_the_drain(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES[name]
    settings = settings_with(monkeypatch, service["environment"])
    assert float(service["stop_grace_period"].removesuffix("s")) > settings.grace_seconds + 10
    published = {int(port.rsplit(":", 1)[1]) for port in service["ports"]}
    assert published == {settings.port, settings.http_port}


def test_weights_are_downloaded_into_a_volume() -> None:
    assert f"models:{image_environment()['HF_HOME']}" in SERVICES["melisma-cuda"]["volumes"]
    assert of("VOLUME") == []  # else every container would get one without a name


@pytest.mark.parametrize("name", OURS)
def test_songs_are_kept_in_a_volume_that_belongs_to_the_user(name: str) -> None:
    folder = image_environment()["MELISMA_STORE__FOLDER"]
    assert f"songs:{folder}" in SERVICES[name]["volumes"]
    assert [rest for rest in of("RUN") if f"install -d -o 10001 -g 10001 -m 700 {folder}" in rest]


def test_the_containers_ask_for_each_other_by_names_that_there_are() -> None:
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))
    groups = [group for job in prometheus["scrape_configs"] for group in job["static_configs"]]
    groups += [group for manager in prometheus["alerting"]["alertmanagers"] for group in manager["static_configs"]]
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8"))
    asked = [target for group in groups for target in group["targets"]]
    asked += [source["url"].removeprefix("http://") for source in sources["datasources"]]
    asked += [SERVICES[name]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"].removeprefix("http://") for name in OURS]
    aliases = {alias for name in OURS for alias in SERVICES[name]["networks"]["default"]["aliases"]}
    assert len(asked) >= 5
    assert {target.split(":")[0] for target in asked} <= set(SERVICES) | aliases


def settings_with(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    """Return the settings of a server with only these MELISMA_ variables in its environment."""
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return read_settings([])
