"""Builds networks without weights, and assigns them the tensors of a checkpoint, so that no weight is in memory
twice.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import nn

from model.shared.process_state import process_state

Network = TypeVar("Network", bound=nn.Module)


def skeleton(make: Callable[[], Network]) -> Network:
    """Return the network that `make` builds, on the meta device, where its weights take no memory."""
    # torch.device and some libraries change process-wide defaults while a network is built.
    with process_state, torch.device("meta"):
        return make()


def fill(network: nn.Module, tensors: Mapping[str, torch.Tensor], dtype: torch.dtype) -> None:
    """Assign checkpoint tensors to the parameters of a network on the meta device, strictly by name: weights are
    converted to `dtype`, buffers keep their own type.

    The network is then ready for inference. Parameters to which the same tensor is assigned share its memory.

    Raises:
        RuntimeError: a tensor is missing, unknown, or has another shape.
    """
    keep = {name for name, _ in network.named_buffers()}
    once: dict[int, torch.Tensor] = {}
    for name, tensor in tensors.items():
        once.setdefault(id(tensor), tensor if name in keep else tensor.to(dtype))
    network.load_state_dict({name: once[id(tensor)] for name, tensor in tensors.items()}, strict=True, assign=True)
    network.eval().requires_grad_(False)
