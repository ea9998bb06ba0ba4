"""Renders the manifests with kubectl, and validates them against the schemas of Kubernetes."""

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
"""Names of all components that can be combined in one overlay of studio: without a second autoscaler, REST, roles, and
components of other engines.
"""
WEIGHTS = ("ace-step", "ace-step-15")
"""Overlays whose engines read weights from a volume."""
_SEVERAL_PODS = ("autoscaling-", "models-shared", "ray", "roles", "shared-store")
ONE_POD = tuple(name for name in COMPONENTS if not name.startswith(_SEVERAL_PODS))
SHARED = ("api-keys", "gateway", "gateway-envoy", "rest", "shared-store", "shared-store-keys")
"""Names of the components for REST with several pods on a shared store."""
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
"""Names of the components for frontends and autoscaled generators on a shared store."""
VERSIONS = ("1.30", "1.37")
"""Versions of Kubernetes for validation: the oldest that supports `sleep` in preStop, and the newest with known
schemas.
"""


def kustomized(folder: Path) -> str:
    """Return the output of `kubectl kustomize` for a folder."""
    return output_of(tool("kubectl"), "kustomize", folder)


def put_together(
    folder: Path, overlay: str = "studio", components: Iterable[str] = (), literals: Sequence[str] = ()
) -> str:
    """Write an overlay with components and with the settings `literals` ("NAME=value") to `folder`, and return the
    resources that kubectl renders from it, as YAML.
    """
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
    """Return the components that a component needs in an overlay, in the order in which kustomize must apply them, and
    the component itself at the end; empty if it does not fit the overlay.
    """
    if component == "models-shared":
        return (component,) if overlay in WEIGHTS else ()
    weights = overlay in WEIGHTS and component.startswith("autoscaling-")
    return (*(("models-shared",) if weights else ()), *NEEDS.get(component, ()), component)


def resources(text: str) -> list[Resource]:
    """Return the resources in a YAML text of several documents."""
    return list(yaml.safe_load_all(text))


def only(found: Iterable[Resource], kind: str, name: str = "melisma") -> Resource:
    """Return the only resource of this kind and name."""
    (one,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return one


def pod_of(found: Iterable[Resource]) -> Resource:
    """Return the pod spec of the only Deployment."""
    pod: Resource = only(found, "Deployment")["spec"]["template"]["spec"]
    return pod


def schema_errors(text: str, folder: Path, version: str) -> list[str]:
    """Return the errors of rendered resources against the schemas of one version of Kubernetes; see
    `all_schema_errors`.
    """
    return all_schema_errors({"rendered": text}, folder, version)


def all_schema_errors(texts: Mapping[str, str], folder: Path, version: str) -> list[str]:
    """Return the errors of several texts against the schemas of one version of Kubernetes; each error names its text.

    Custom resources have no schema and are not validated.
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
