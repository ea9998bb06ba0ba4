"""Tests of the import rules in new Python processes, such as a server process without torch."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from model.registry import ENGINES

ROOT = Path(__file__).resolve().parents[2]


def loaded_after(statement: str) -> set[str]:
    """Return the names of all modules that a new Python process has loaded after `statement`."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("", "protos"))
    script = f"{statement}; import sys; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_server_process_does_without_torch_and_engines() -> None:
    loaded = loaded_after("import server.app")
    assert "server.generation.runner" in loaded
    assert not loaded & {"torch", "pypinyin", "model.studio.engine"}


def test_the_settings_of_engines_are_read_without_torch_and_engines() -> None:
    loaded = loaded_after("from server.settings.command_line import read_settings; read_settings([])")
    assert "model.ace_step.settings" in loaded
    assert not loaded & {"torch", "numba", "model.studio.engine", "model.ace_step.engine"}


def test_a_worker_that_imports_the_main_module_again_does_without_the_server() -> None:
    loaded = loaded_after("import server.__main__")
    assert not loaded & {"grpc", "server.app"}


def test_every_engine_stands_in_the_import_rules() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    [server] = [
        rule["forbidden_modules"] for rule in rules if rule["name"].startswith("Only the worker reaches the engines")
    ]
    layers = {rule["containers"][0] for rule in rules if rule["type"] == "layers" and "containers" in rule}
    packages = {f"model.{name}" for name in ENGINES}
    assert packages <= set(server), "the server must not import an engine"
    assert packages <= layers, "every engine has an order of its own modules"
