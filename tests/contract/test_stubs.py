"""Tests that the committed protobuf modules and stubs are up to date with the .proto files."""

from pathlib import Path

from protos.generate import COMMON_PROTOS, stale_files

PROTOS = Path(__file__).resolve().parents[2] / "protos"


def test_generated_files_are_fresh() -> None:
    assert stale_files() == []


def test_the_status_of_google_is_that_of_the_installed_package() -> None:
    name = "google/rpc/status.proto"
    assert (PROTOS / name).read_bytes() == (COMMON_PROTOS / name).read_bytes()
