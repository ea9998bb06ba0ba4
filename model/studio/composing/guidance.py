"""Computes classifier-free guidance (Ho and Salimans, 2022)."""

from torch import Tensor


def guided(conditional: Tensor, unconditional: Tensor, scale: Tensor) -> Tensor:
    """Move the conditional predictions [batch, ...] away from the unconditional ones by the guidance scale `scale`
    [batch]; a scale of 1 leaves the conditional ones as they are.
    """
    return unconditional + scale.view(-1, *[1] * (conditional.dim() - 1)) * (conditional - unconditional)
