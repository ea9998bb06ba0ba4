"""Tests of the image that is built from deploy/Dockerfile and run read-only, without capabilities, until SIGTERM."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from melisma_client import Client, SongRequest
from server.api.http.preview_page import FOLDER as PAGE
from server.version import VERSION
from tests.deploy import images
from tests.deploy.containers import Container, running_container
from tests.deploy.tools import STOP_TIMEOUT_SECONDS, output_of

pytestmark = pytest.mark.deploy

SERVING_TIMEOUT_SECONDS = 90.0
SONG = SongRequest(prompt="melodic pop, piano", lyrics="[verse]\n春天醒来花就开", duration_seconds=10, seed=1)
LONGER_SONG = SongRequest(prompt="slow piano", duration_seconds=60, seed=1)


@pytest.fixture(scope="module")
def image() -> str:
    images.require_builder()
    return images.build()


@pytest.fixture
def container(image: str, tmp_path: Path) -> Iterator[Container]:
    with running_container(image, tmp_path) as running:
        yield running


def wait_serving(port: int) -> None:
    """Wait until the health service of the container reports SERVING."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=SERVING_TIMEOUT_SECONDS)
        next(told for told in watch if told.status == health_pb2.HealthCheckResponse.SERVING)
        watch.cancel()


def test_the_image_says_what_it_is_and_how_it_is_run(image: str) -> None:
    config = images.config_of(image)
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python", "-m", "server"]
    assert config["StopSignal"] == "SIGTERM"
    assert set(config["ExposedPorts"]) == {"50051/tcp", "8080/tcp"}
    assert config["Healthcheck"]["Test"][0] == "CMD"  # no shell
    assert {"MELISMA_HOST=0.0.0.0", f"MELISMA_REVISION={images.REVISION}", "HOME=/tmp"} <= set(config["Env"])
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "Melisma"
    assert labels["version"] == VERSION
    assert labels["revision"] == images.REVISION
    assert labels["description"]
    assert labels["licenses"]


def test_the_image_holds_the_service_and_no_more(image: str) -> None:
    with images.unpacked(image) as root:
        ours = root / "opt/melisma"
        assert {path.name for path in ours.iterdir()} == {"THIRD_PARTY.md", "buf", "melisma", "model", "server"}
        assert not (ours / "model/training").exists()
        page = {path.name for path in PAGE.iterdir()}
        assert {path.name for path in (ours / "server/api/http/page").iterdir()} == page
        store = (root / "var/lib/melisma").stat()
        assert (store.st_uid, store.st_gid, store.st_mode & 0o777) == (10001, 10001, 0o700)
        sources = set(ours.rglob("*.py"))
        assert len(sources) > 100
        compiled = {path.parents[1] / f"{path.name.split('.')[0]}.py" for path in ours.rglob("__pycache__/*.pyc")}
        assert compiled == sources
        unwanted = ("pip", "pip3", "gcc", "cc", "make", "git", "curl")
        assert not [name for name in unwanted for path in root.glob(f"**/bin/{name}")]
        assert not list(root.glob("opt/venv/lib/python*/site-packages/pip"))
        assert not output_of("find", root, "-xdev", "-type", "f", "-perm", "/6000")


def test_a_read_only_container_without_rights_makes_a_song(image: str, container: Container, tmp_path: Path) -> None:
    wait_serving(container.port)
    with Client(f"127.0.0.1:{container.port}") as client:
        finished = client.generate(SONG).save(tmp_path / "song.mp3")
    assert finished.size_bytes == (tmp_path / "song.mp3").stat().st_size > 100_000
    (kept,) = container.songs.glob("*.mp3")
    assert kept.read_bytes() == (tmp_path / "song.mp3").read_bytes()
    check = images.config_of(image)["Healthcheck"]["Test"][1:]
    healthy = container.execute(*check)
    assert healthy.returncode == 0, healthy.stderr
    rights = container.execute("sh", "-c", "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/1/status").stdout.split()
    assert rights == ["10001", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
    refused = container.execute("touch", "/var/cache/melisma/file", "/opt/melisma/file")
    assert refused.stderr.count("Read-only file system") == 2


def test_the_health_check_fails_when_the_server_does_not_answer(image: str, container: Container) -> None:
    check = images.config_of(image)["Healthcheck"]["Test"][1:]
    assert container.execute(*check).returncode == 0
    assert container.execute("env", "MELISMA_HTTP_PORT=1", *check).returncode != 0


def test_sigterm_ends_the_container_when_its_song_is_complete(container: Container, tmp_path: Path) -> None:
    wait_serving(container.port)
    with Client(f"127.0.0.1:{container.port}") as client:
        song = client.generate(LONGER_SONG)
        arrived = iter(song)
        next(arrived)
        container.signal("TERM")
        assert len(list(arrived)) > 10
        assert song.received.finished is not None
    assert container.process.wait(STOP_TIMEOUT_SECONDS) == 0
    said = [json.loads(line)["message"] for line in container.log.read_text("utf-8").splitlines()]
    assert "the server is shutting down and accepts no more songs" in said
    assert said[-1] == "the server has stopped"
