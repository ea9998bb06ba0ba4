"""The manifests as kubectl renders them, and what the schemas of Kubernetes find in them."""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.static.custom_resources import FIELDS
from tests.deploy.tools import DEPLOY, output_of, tool

Resource = dict[str, Any]

KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir() if path.is_dir())
COMPONENTS = sorted(path.name for path in (KUBERNETES / "components").iterdir() if path.is_dir())
NEEDS = {
    "gateway-envoy": ("gateway",),
    "gateway-tls": ("gateway", "tls"),
    "tls-cert-manager": ("tls",),
    "ray": ("models-shared",),
    "rest": ("gateway",),
    "shared-store-keys": ("shared-store",),
    "autoscaling-keda-backlog": ("roles", "shared-store"),
}
_APART = {"autoscaling-hpa", "autoscaling-keda-backlog", "models-shared", "ray", "rest", "roles"}
EVERYTHING = tuple(name for name in COMPONENTS if name not in _APART)
"""The ways to scale exclude each other; with REST there is one pod, whatever else goes with it; roles are two kinds,
and weights are of both ACE-Steps alone, Ray of ace-step."""
WEIGHTS = ("ace-step", "ace-step-15")
"""Overlays with weights on a volume."""
_SEVERAL_PODS = ("autoscaling-", "models-shared", "ray", "roles", "shared-store")
ONE_POD = tuple(name for name in COMPONENTS if not name.startswith(_SEVERAL_PODS))
SHARED = ("api-keys", "gateway", "gateway-envoy", "rest", "shared-store", "shared-store-keys")
"""REST by any number of pods."""
ROLES = (
    "roles",
    "api-keys",
    "gateway",
    "gateway-envoy",
    "rest",
    "shared-store",
    "shared-store-keys",
    "autoscaling-keda-backlog",
    "monitoring",
    "tls",
    "tracing",
)
"""Frontends, and generators from none to many, with all that goes with them."""
VERSIONS = ("1.30", "1.37")
"""The oldest Kubernetes that has the sleep of preStop, and the newest whose schemas are known."""


def kustomized(folder: Path) -> str:
    """Return a folder as kubectl renders it."""
    return output_of(tool("kubectl"), "kustomize", folder)


def put_together(
    folder: Path, overlay: str = "studio", components: Iterable[str] = (), literals: Sequence[str] = ()
) -> str:
    """Return an overlay of the user's own, written to `folder`, as kubectl renders it."""
    here = os.path.relpath(KUBERNETES, folder.resolve())
    settings = {"name": "melisma-settings", "behavior": "merge", "literals": list(literals)}
    kustomization = {
        "namespace": "melisma",
        "resources": [f"{here}/overlays/{overlay}"],
        "components": [f"{here}/components/{name}" for name in components],
        "configMapGenerator": [settings] if literals else [],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), "utf-8")
    return kustomized(folder)


def with_needed(component: str, overlay: str) -> tuple[str, ...]:
    """Return a component after those that it goes with on an overlay; none where it does not go with that."""
    if component == "models-shared":
        return (component,) if overlay in WEIGHTS else ()
    weights = overlay in WEIGHTS and component.startswith("autoscaling-")
    return (*(("models-shared",) if weights else ()), *NEEDS.get(component, ()), component)


def resources(text: str) -> list[Resource]:
    """What was rendered, a resource each."""
    return list(yaml.safe_load_all(text))


def only(found: Iterable[Resource], kind: str, name: str = "melisma") -> Resource:
    """Return the one resource of that kind and name."""
    (one,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return one


def pod_of(found: Iterable[Resource]) -> Resource:
    """Return the spec of the Deployment's pods."""
    pod: Resource = only(found, "Deployment")["spec"]["template"]["spec"]
    return pod


def schema_errors(text: str, folder: Path, version: str) -> list[str]:
    """What the schemas of one version of Kubernetes find in a text; see `all_schema_errors`."""
    return all_schema_errors({"rendered": text}, folder, version)


def all_schema_errors(texts: Mapping[str, str], folder: Path, version: str) -> list[str]:
    """What the schemas find in several texts, whose names stand in the lines.

    Kinds that are not of Kubernetes itself have no schema, and are no fault.
    """
    customs = {f"kind {kind} with api version {api}" for api, kind in FIELDS}
    return [line for line in _faults(texts, folder, version) if not any(custom in line for custom in customs)]


def _faults(texts: Mapping[str, str], folder: Path, version: str) -> list[str]:
    files = [folder / f"{name}.yaml" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text, "utf-8")
    command = [tool("kubernetes-validate"), "--strict", "--quiet", "-k", version, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert (done.returncode != 0) == any(not line.startswith("WARN") for line in lines), lines
    return lines
