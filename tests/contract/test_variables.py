"""Tests that only the server's settings read the MELISMA_ environment variables."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READERS = {"environ", "environb", "getenv", "getenvb"}


def modules(package: str) -> list[Path]:
    """Return the modules of `package`, relative to the root of the repository."""
    return sorted(path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py"))


def environment_reads(source: str) -> Iterator[str]:
    """Yield the expressions in `source` that read the environment. Passing the whole environment to a process, as
    `**os.environ`, does not count.
    """
    nodes = [*ast.walk(ast.parse(source))]
    merged = (zip(node.keys, node.values, strict=True) for node in nodes if isinstance(node, ast.Dict))
    handed_on = [value for items in merged for key, value in items if key is None]
    for node in nodes:
        match node:
            case ast.Attribute() if node in handed_on:
                pass
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) if name in READERS:
                yield name


@pytest.mark.parametrize("source", ["os.environ['A']", "os.getenv('A')", "from os import environ as e", "getenv('A')"])
def test_a_read_of_the_environment_is_found(source: str) -> None:
    assert len(list(environment_reads(source))) == 1


def test_a_process_may_be_given_the_whole_environment() -> None:
    assert list(environment_reads("{**os.environ, 'A': 'b'}")) == []


def test_only_the_settings_of_the_server_read_the_environment() -> None:
    readers = {path for path in modules("server") if [*environment_reads((ROOT / path).read_text("utf-8"))]}
    assert readers
    assert {path.parent for path in readers} == {Path("server/settings")}


def test_the_model_reads_no_environment() -> None:
    assert [path for path in modules("model") if [*environment_reads((ROOT / path).read_text("utf-8"))]] == []


def test_the_model_names_no_variable_of_the_server() -> None:
    files = (path for path in (ROOT / "model").rglob("*") if path.suffix in {".py", ".md", ".txt", ".json"})
    assert [path for path in files if "MELISMA_" in path.read_text("utf-8")] == []
