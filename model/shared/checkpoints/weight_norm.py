"""Folds weight normalisation, which only training needs, into plain weights."""

from collections.abc import Mapping

import torch


def folded(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights with every pair of `weight_g` and `weight_v` combined to one `weight` (arXiv 1602.07868,
    equation 2).

    Norms are over all axes but the first, in float32.
    """
    plain = {}
    for name, tensor in weights.items():
        if name.endswith("weight_v"):
            gain = weights[name.removesuffix("v") + "g"].float()
            norm = torch.linalg.vector_norm(tensor.float(), dim=(1, 2), keepdim=True)
            plain[name.removesuffix("_v")] = (gain * tensor.float() / norm).to(tensor.dtype)
        elif not name.endswith("weight_g"):
            plain[name] = tensor
    return plain
