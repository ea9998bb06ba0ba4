"""The committed stubs are what the .proto files give today."""

from protos.generate import stale_files


def test_generated_files_are_fresh() -> None:
    assert stale_files() == []
