"""The client is a distribution of its own, complete without the repository."""

import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=CLIENT, check=True, capture_output=True)
    (built,) = folder.glob("melisma_client-*.whl")
    return built


def test_the_wheel_brings_the_stubs_and_the_types(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert {
        "melisma_client/py.typed",
        "melisma/v1/music_pb2.py",
        "melisma/v1/music_pb2.pyi",
        "melisma/v1/music_pb2_grpc.py",
        "buf/validate/validate_pb2.py",
    } <= names
    assert not [name for name in names if name.startswith(("server", "model"))]


def test_the_wheel_works_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    ZipFile(wheel).extractall(tmp_path)
    script = "import melisma_client, melisma.v1.music_pb2 as m; print(melisma_client.__file__, m.__file__)"
    shown = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown.stdout.count(str(tmp_path)) == 2


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
