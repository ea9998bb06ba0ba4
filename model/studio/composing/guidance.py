"""Computes classifier-free guidance (Ho and Salimans, 2022)."""

from torch import Tensor


def guided(conditional: Tensor, unconditional: Tensor, scale: Tensor) -> Tensor:
    """Return predictions with classifier-free guidance: the conditional predictions [batch, ...], moved away from the
    unconditional ones by the guidance scale `scale` [batch]. With a scale of 1 the conditional predictions stay as they
    are.
    """
    return unconditional + scale.view(-1, *[1] * (conditional.dim() - 1)) * (conditional - unconditional)
