"""Applies LoRA adapters (arXiv 2106.09685) on top of a model's weights, so that songs with and without an adapter share
one model.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

from model.engine import EngineUnavailable
from model.shared.checkpoints.adapter_folders import CONFIG, WEIGHTS, weights_in

_FACTORS = (".lora_A.weight", ".lora_B.weight", ".alpha")
_PREFIXES = ("base_model.model.", "transformer.")
"""Prefixes that PEFT and diffusers add to the names of the network's layers."""

Rename = Callable[[str], str]
"""Function that returns the name in the network of a tensor in an adapter's file."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The change of one linear layer by a LoRA adapter: two low-rank factors, and the scale of their product."""

    down: torch.Tensor
    up: torch.Tensor
    scale: float

    def __call__(self, x: torch.Tensor, weight: float) -> torch.Tensor:
        """Return the term that the adapter adds to the layer's output for `x` [..., width]; `weight` is the strength of
        the adapter.
        """
        return F.linear(F.linear(x, self.down), self.up) * (self.scale * weight)


Adapter = Mapping[str, Pair]
"""The low-rank changes of an adapter, by the name of the linear layer."""

_active: ContextVar[tuple[Adapter, float] | None] = ContextVar("active adapter", default=None)


def load(folder: Path, network: nn.Module, model: str, rename: Rename = str) -> Adapter:
    """Read the LoRA adapter in `folder`, and return it with the dtype and device of `network`. `rename` converts the
    names of tensors in the file to those in the network. `model` is the name of the model in errors.

    A change is scaled by alpha / rank, or by alpha / sqrt(rank) if `adapter_config.json` beside the weights sets
    `use_rslora` (arXiv 2312.03732). alpha is taken from the file, otherwise from the config, otherwise it is the rank.

    Raises:
        EngineUnavailable: the folder has no adapter, or an adapter that does not fit the network: every tensor must be
            a factor of the change of a linear layer.
    """
    path = weights_in(folder) or folder / WEIGHTS[0]
    tensors = _read(path, rename)
    maps = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    config = _config(folder)
    adapter = {name: _pair(path, name, tensors, maps, config, model) for name in dict.fromkeys(map(_layer, tensors))}
    if not adapter:
        raise EngineUnavailable(
            f"the LoRA adapter {path} has no pair of tensors lora_A and lora_B: use an adapter in PEFT format"
        )
    return adapter


def _read(path: Path, rename: Rename) -> dict[str, torch.Tensor]:
    """Return the tensors in an adapter's file, by their names in the network that `rename` gives."""
    try:
        with safe_open(path, framework="pt") as file:
            return {rename(_plain(name)): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except (OSError, ValueError) as error:
        raise EngineUnavailable(
            f"the LoRA adapter {path} cannot be read ({error}): correct its path in the settings, or the file"
        ) from error


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _layer(name: str) -> str:
    """Return the name of the linear layer that an adapter's tensor changes; a name without a suffix such as
    ".lora_A.weight" is returned unchanged.
    """
    return next((name.removesuffix(end) for end in _FACTORS if name.endswith(end)), name)


def _config(folder: Path) -> Mapping[str, object]:
    path = folder / CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise EngineUnavailable(
            f"the configuration {path} of a LoRA adapter cannot be read ({error}): correct or restore it"
        ) from error
    return values if isinstance(values, dict) else {}


def _pair(
    path: Path, name: str, tensors: Mapping[str, torch.Tensor], maps: Mapping[str, nn.Linear],
    config: Mapping[str, object], model: str,
) -> Pair:  # fmt: skip
    advice = f"use an adapter that was trained for {model}"
    down, up, alpha = (tensors.get(f"{name}{end}") for end in _FACTORS)
    linear = maps.get(name)
    if linear is None or down is None or up is None:
        raise EngineUnavailable(f"the LoRA adapter {path} changes {name}, {_fault(linear, model)}: {advice}")
    shape = (up.shape[0], down.shape[1])
    if shape != tuple(linear.weight.shape) or up.shape[1] != down.shape[0]:
        other = f"changes {name} by {shape}, whose weight is {tuple(linear.weight.shape)}"
        raise EngineUnavailable(f"the LoRA adapter {path} {other}: {advice}")
    rank = down.shape[0]
    size = float(str(config.get("lora_alpha", rank))) if alpha is None else float(alpha)
    scale = size / (rank**0.5 if config.get("use_rslora") else rank)
    return Pair(down.to(linear.weight), up.to(linear.weight), scale)


def _fault(linear: nn.Linear | None, model: str) -> str:
    if linear is None:
        return f"which is not a linear layer of {model}"
    return "and lacks one of its two factors, lora_A and lora_B"


def attach(model: nn.Module) -> None:
    """Register a hook on every linear layer of `model` that applies the adapter which is active in the current thread,
    if any.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(_hook(name))


def _hook(name: str) -> Callable[[nn.Module, tuple[torch.Tensor], torch.Tensor], torch.Tensor | None]:
    def change(_module: nn.Module, given: tuple[torch.Tensor], made: torch.Tensor) -> torch.Tensor | None:
        if (active := _active.get()) is None or (pair := active[0].get(name)) is None:
            return None
        return made + pair(given[0], active[1])

    return change


@contextmanager
def active(adapter: Adapter | None, weight: float) -> Iterator[None]:
    """Context manager that activates an adapter in the current thread with the strength `weight`; if `adapter` is
    `None`, no adapter is applied.
    """
    token = _active.set(None if adapter is None else (adapter, weight))
    try:
        yield
    finally:
        _active.reset(token)
