"""Tests that the compose files match the schema of Compose. They need no image."""

import subprocess

import pytest

from tests.deploy.tools import DEPLOY, tool

pytestmark = pytest.mark.deploy


@pytest.mark.parametrize("file", ["compose.yaml", "compose.shared.yaml"])
def test_the_compose_file_is_one(file: str) -> None:
    checked = subprocess.run(
        [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
