"""Tests of the Python client as a distribution: complete without the repository, and typed for every event."""

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "python"

PROGRAM = """
from typing import assert_type

from melisma_client import (
    AudioChunk, Client, Engine, SectionFinished, SongAccepted, SongFinished, SongPlan, SongProgress, SongRequest,
    StoredSong,
)


def heard(client: Client) -> bytes:
    sound = b""
    for event in client.generate(SongRequest(prompt="pop")):
        match event:
            case AudioChunk():
                assert_type(event.data, bytes)
                sound += event.data
            case SongAccepted():
                assert_type(event.song_id, str)
            case SongPlan():
                assert_type(event.sample_count, int)
            case SongProgress():
                assert_type(event.queue_position, int)
            case SectionFinished():
                assert_type(event.midi, bytes)
            case SongFinished():
                assert_type(event.sha256, str)
    return sound


def known(client: Client) -> tuple[tuple[StoredSong, ...], tuple[Engine, ...]]:
    return client.list_songs(), client.list_engines()
"""
"""Source of a client program that names every event class, and checks the type of one field of each."""


def build(source: Path, target: str, folder: Path) -> Path:
    """Build the project in the folder `source` as `target` ("sdist" or "wheel"), and return the built file."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = folder.glob("melisma_client-*.tar.gz" if target == "sdist" else "melisma_client-*.whl")
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(CLIENT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fixture: the wheel built from only the sdist, as a package index would build it."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return build(unpacked, "wheel", folder)


def test_the_wheel_brings_stubs_types_and_licence(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert {
        "melisma_client/py.typed",
        "melisma/py.typed",
        "melisma/v1/music_pb2.py",
        "melisma/v1/music_pb2.pyi",
        "melisma/v1/music_pb2_grpc.py",
        "buf/py.typed",
        "buf/validate/validate_pb2.py",
        "melisma_command.py",
    } <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("server", "model", "hatch_build"))]


def test_the_sdist_makes_the_same_wheel_as_the_repository(wheel: Path, tmp_path: Path) -> None:
    assert ZipFile(wheel).namelist() == ZipFile(build(CLIENT, "wheel", tmp_path)).namelist()


def test_the_wheel_works_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    ZipFile(wheel).extractall(tmp_path)
    script = "import melisma_client, melisma.v1.music_pb2 as m; print(melisma_client.__file__, m.__file__)"
    shown = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown.stdout.count(str(tmp_path)) == 2


def test_a_strict_program_finds_types_for_every_event(wheel: Path, tmp_path: Path) -> None:
    """The program is type-checked in an environment with the wheel and the stubs of the present environment."""
    environment = tmp_path / "environment"
    venv.create(environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    ZipFile(wheel).extractall(packages)
    for found in (Path(path) for path in sys.path if path.endswith("site-packages")):
        for stubs in (*found.glob("*-stubs"), *found.glob("google*"), *found.glob("grpc*")):
            if not (packages / stubs.name).exists():
                (packages / stubs.name).symlink_to(stubs)
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "program.py"]
    command += ["--python-executable", str(environment / "bin" / "python"), "--config-file", os.devnull]
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    ended = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.packages
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_it_installs_into_an_empty_environment(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    package: Path = request.getfixturevalue(kind)
    venv.create(tmp_path / "environment", with_pip=True)
    scripts = tmp_path / "environment" / "bin"
    install = [str(scripts / "python"), "-m", "pip", "install", "--quiet", str(package)]
    subprocess.run(install, cwd=tmp_path, check=True, timeout=300)
    shown = subprocess.run([str(scripts / "melisma"), "--version"], cwd=tmp_path, capture_output=True, text=True)
    version = tomllib.loads((CLIENT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert version in shown.stdout


def test_client_and_application_start_the_same_command() -> None:
    projects = [tomllib.loads((folder / "pyproject.toml").read_text("utf-8")) for folder in (ROOT, CLIENT)]
    application, client = (project["project"]["scripts"] for project in projects)
    assert application["melisma"] == client["melisma"]


def test_the_application_installs_what_the_client_needs() -> None:
    projects = [tomllib.loads((folder / "pyproject.toml").read_text("utf-8")) for folder in (ROOT, CLIENT)]
    application, client = (
        {line.split(">")[0].split("=")[0] for line in project["project"]["dependencies"]} for project in projects
    )
    assert client <= application


def test_every_package_names_the_licence_and_brings_its_text() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    for folder in (ROOT, CLIENT):
        assert tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["license"] == "Apache-2.0"
    assert '"license": "Apache-2.0"' in (ROOT / "clients/typescript/package.json").read_text("utf-8")
    assert (CLIENT / "LICENSE").read_text("utf-8") == (ROOT / "clients/typescript/LICENSE").read_text("utf-8") == text
