"""Reads the files of deploy/kubernetes without rendering them, and the settings in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from server.settings.command_line import read_settings
from server.settings.settings import Settings

Manifest = dict[str, Any]

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
BASE = KUBERNETES / "base"
COMPONENTS = KUBERNETES / "components"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())


def manifest(*path: str) -> Manifest:
    """Return the only resource in a file of deploy/kubernetes."""
    found: Manifest = yaml.safe_load(KUBERNETES.joinpath(*path).read_text("utf-8"))
    return found


def manifests() -> Iterator[tuple[Path, Manifest]]:
    """Yield the path and content of every YAML file in deploy/kubernetes."""
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        yield path, yaml.safe_load(path.read_text("utf-8"))


def pod_of(deployment: Manifest) -> Manifest:
    """Return the spec of a Deployment's pods."""
    pod: Manifest = deployment["spec"]["template"]["spec"]
    return pod


def assignments(text: str) -> dict[str, str]:
    """Return the variables of a file with lines of NAME=value."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def own_variables(overlay: str) -> dict[str, str]:
    """Return the variables that an overlay adds to the settings of the base, from files and literals."""
    folder = KUBERNETES / "overlays" / overlay
    generators = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8")).get("configMapGenerator", [])
    files = (folder / name for generator in generators for name in generator.get("envs", []))
    literals = [line for generator in generators for line in generator.get("literals", [])]
    return assignments("\n".join([*(file.read_text("utf-8") for file in files), *literals]))


def variables(overlay: str) -> dict[str, str]:
    """Return the variables of an overlay, including those of the base."""
    return assignments((BASE / "settings.env").read_text("utf-8")) | own_variables(overlay)


def set_by_components() -> dict[str, str]:
    """Return the MELISMA_ variables that components set in the container, by name."""
    patches = [found for path, found in manifests() if COMPONENTS in path.parents and found.get("kind") == "Deployment"]
    entries = [entry for patch in patches for entry in pod_of(patch)["containers"][0].get("env", [])]
    return {entry["name"]: entry["value"] for entry in entries if entry["name"].startswith("MELISMA_")}


def shared_example() -> dict[str, str]:
    """Return the variables of the overlay with a shared store in the README."""
    blocks = (KUBERNETES / "README.md").read_text("utf-8").split("```yaml\n")[1:]
    found = [yaml.safe_load(block.partition("```")[0]) for block in blocks]
    overlay, _ = (one for one in found if "../../components/shared-store" in one.get("components", []))
    return assignments("\n".join(overlay["configMapGenerator"][0]["literals"]))


def names(model: type[BaseModel], prefix: str = "MELISMA_") -> Iterator[str]:
    """Yield the names of the environment variables of all fields of the settings `model` and of the models in it; each
    begins with `prefix`.
    """
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from names(type(field.default), f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def settings_of(overlay: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the server's settings when it reads the variables of an overlay."""
    for name, value in variables(overlay).items():
        monkeypatch.setenv(name, value)
    return read_settings([])


POD = pod_of(manifest("base", "deployment.yaml"))
CONTAINER: Manifest = POD["containers"][0]
