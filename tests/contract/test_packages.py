"""Tests that no installed distribution has a package with the name of one of the repository's packages."""

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.support.table import table

ROOT = Path(__file__).resolve().parents[2]


def own_distributions() -> set[str]:
    projects = (ROOT / "pyproject.toml", ROOT / "clients/python/pyproject.toml")
    return {tomllib.loads(project.read_text("utf-8"))["project"]["name"] for project in projects}


@table("package", ["server", "model", "melisma", "melisma_client", "clients", "protos", "tests"])
def test_no_other_distribution_has_a_package_of_that_name(package: str) -> None:
    owners = {re.sub(r"[-_.]+", "-", name).lower() for name in packages_distributions().get(package, ())}
    assert owners <= {re.sub(r"[-_.]+", "-", name).lower() for name in own_distributions()}
