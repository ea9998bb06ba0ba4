"""Computes classifier-free guidance (Ho and Salimans, 2022)."""

from torch import Tensor


def guided(conditional: Tensor, unconditional: Tensor, scale: Tensor) -> Tensor:
    """Push predictions [batch, ...] away from the unconditional ones by `scale` [batch]; 1 leaves them as they are."""
    return unconditional + scale.view(-1, *[1] * (conditional.dim() - 1)) * (conditional - unconditional)
