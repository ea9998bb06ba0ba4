"""Converts weights with weight normalisation, which only training needs, to plain weights."""

from collections.abc import Mapping

import torch


def folded(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights with every pair `weight_g` and `weight_v` of weight normalisation combined to one `weight`
    (arXiv 1602.07868, equation 2).

    Norms are over all axes but the first, in float32. Tensors on the meta device are not computed, because their shapes
    stay the same and arithmetic would import torch's compiler, which takes seconds.
    """
    plain = {}
    for name, tensor in weights.items():
        if name.endswith("weight_v"):
            gain = weights[name.removesuffix("v") + "g"]
            plain[name.removesuffix("_v")] = tensor if tensor.is_meta else _scaled(tensor, gain)
        elif not name.endswith("weight_g"):
            plain[name] = tensor
    return plain


def _scaled(direction: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    norm: torch.Tensor = torch.linalg.vector_norm(direction.float(), dim=(1, 2), keepdim=True)
    return (gain.float() * direction.float() / norm).to(direction.dtype)
