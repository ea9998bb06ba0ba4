"""Finds the files of LoRA adapters in a folder. The module does not import torch."""

from collections.abc import Mapping
from pathlib import Path

from model.engine import EngineUnavailable, Option

WEIGHTS = ("pytorch_lora_weights.safetensors", "adapter_model.safetensors")
"""Names of an adapter's file of weights, in the formats of diffusers and of PEFT."""

CONFIG = "adapter_config.json"
NAME_CHARACTERS = 64
"""Largest number of characters in an adapter's name, which requests use to choose it."""


def weights_in(folder: Path) -> Path | None:
    """Return the path of the file with the weights of the LoRA adapter in `folder`; `None` if there is none."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def adapters_in(folder: str, option: str) -> Mapping[str, Path]:
    """Return the paths of the LoRA adapters' folders in `folder`, by folder name; the result is empty if `folder` is an
    empty string.

    Raises:
        EngineUnavailable: `folder`, the value of the setting `option`, does not exist, or a folder in it has no
            adapter.
    """
    if not folder:
        return {}
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise EngineUnavailable(Option(option), f" is {folder}, which is not a folder: correct it, or leave it empty")
    found = {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")}
    for name, path in found.items():
        if len(name) > NAME_CHARACTERS or weights_in(path) is None:
            raise EngineUnavailable(
                f"{path} has no LoRA adapter ({' or '.join(WEIGHTS)}), or its name is longer than {NAME_CHARACTERS} "
                "characters: remove it from the folder of ",
                Option(option),
            )
    return found
