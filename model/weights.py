"""Loads weights of neural networks from safetensors files, which are checked against a manifest before use."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor, nn

from model.engine import EngineUnavailable

REMEDY = "restore the file from the repository, or train new weights"
"""Advice for unusable weights."""


class WeightsError(EngineUnavailable):
    """Error for weights that cannot be used; the text names the file and says what to do."""


class WeightsMissing(WeightsError):
    """Error for a missing file of weights."""


class WeightsDamaged(WeightsError):
    """Error for a file of weights that does not match its manifest."""


class WeightsMismatch(WeightsError):
    """Error for a file of weights whose tensor names or shapes differ from those of the network."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Tensors by name, and the configuration in their manifest."""

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with `prefix`, by their names without the prefix."""
        return {name.removeprefix(prefix): t for name, t in self.tensors.items() if name.startswith(prefix)}


def load_weights(path: Path) -> Weights:
    """Load a safetensors file that `save_weights` wrote, checked against its manifest, and return its tensors and
    configuration.

    Raises:
        WeightsMissing: the file of weights or its manifest is missing.
        WeightsDamaged: the manifest cannot be read, or the checksum of the file differs from the manifest's.
    """
    manifest_path = path.with_suffix(".json")
    for needed in (path, manifest_path):
        if not needed.is_file():
            raise WeightsMissing(f"{needed} is missing; {REMEDY}")
    try:
        manifest = json.loads(manifest_path.read_text())
        sha256, config = manifest["sha256"], manifest["config"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsDamaged(f"{manifest_path} is not a manifest of weights; {REMEDY}") from error
    data = path.read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise WeightsDamaged(f"{path} has checksum {found[:12]}..., not the manifest's; {REMEDY}")
    return Weights(load(data), config)


def save_weights(path: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    """Write tensors to a safetensors file, and next to it a manifest with configuration and checksum."""
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    manifest = {"sha256": hashlib.sha256(data).hexdigest(), "config": dict(config)}
    path.with_suffix(".json").write_text(json.dumps(manifest, indent=2) + "\n")


def fill(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into the parameters of a module, converted to the module's data type; all names and shapes must
    agree.

    Raises:
        WeightsMismatch: a tensor is missing, superfluous or of another shape.
    """
    wanted = module.state_dict()
    if wrong := set(wanted) ^ set(tensors):
        raise WeightsMismatch(f"weights and network differ in {len(wrong)} tensors, such as {min(wrong)}; {REMEDY}")
    for name, target in wanted.items():
        if target.shape != tensors[name].shape:
            raise WeightsMismatch(
                f"{name} has the shape {tuple(tensors[name].shape)}, but the network needs {tuple(target.shape)}; "
                f"{REMEDY}"
            )
    module.load_state_dict({name: tensors[name].to(target.dtype) for name, target in wanted.items()})
