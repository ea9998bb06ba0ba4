"""Tests that the lock files pin every package by hash, and contain no URL of an index."""

import re
import tomllib
from pathlib import Path

from tests.support.table import table

ROOT = Path(__file__).resolve().parents[2]
LOCKS = (
    "requirements/runtime.lock",
    "requirements/ace_step.lock",
    "requirements/development.lock",
    "requirements/ray.lock",
    "requirements/deploy.lock",
    "requirements/page.lock",
    "requirements/shared.lock",
)
SMALL = {"requirements/page.lock": 2, "requirements/shared.lock": 0}


def pins(lock: str) -> dict[str, str]:
    """Return the pinned requirements of a lock file: by normalised package name, the version and hashes as text."""
    text = (ROOT / lock).read_text("utf-8")
    entries = re.findall(r"^(\S+?)==(\S+(?:.*\\\n)+.*)$", text, flags=re.MULTILINE)
    return {normal(name): rest for name, rest in entries}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {normal(re.split(r"[<>=!~\[ ]", line)[0]) for line in wanted}


@table("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert not re.findall(r"://|\S+\.(?:org|com|io|net)\b|--\S*(?:index|links|host)\S*|(?<!\S)/\S+", text)


@table("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    found = pins(lock)
    assert len(found) > SMALL.get(lock, 50)
    assert [name for name, rest in found.items() if "--hash=sha256:" not in rest] == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    assert asked_for("build") <= set(pins("requirements/runtime.lock"))
    assert asked_for("build", "ace_step") <= set(pins("requirements/ace_step.lock"))
    assert asked_for("build", "ace_step", "ray") <= set(pins("requirements/ray.lock"))
    assert asked_for("build", "ace_step", "dev", "bench") <= set(pins("requirements/development.lock"))


def test_the_development_lock_agrees_with_the_runtime_lock() -> None:
    runtime, development = pins("requirements/runtime.lock"), pins("requirements/development.lock")
    assert {name: development[name].split()[0] for name in runtime} == {
        name: rest.split()[0] for name, rest in runtime.items()
    }


def test_the_grpc_family_is_one_version() -> None:
    family = {
        name: rest.split()[0]
        for name, rest in pins("requirements/development.lock").items()
        if name.startswith("grpcio")
    }
    assert set(family.values()) == {"1.85.1"}
