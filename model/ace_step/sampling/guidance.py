"""Guidance: combines the velocities under several conditions, by APG, CFG, CFG-Zero*, or with separate scales for
prompt and lyrics.

Velocities have the shape [1, 8, 16, frames], float32. Each song has its own `Apg`, which keeps a running average
between steps.
"""

import torch

from model.shared.sampling.apg import Apg

APG_MOMENTUM = -0.75
APG_NORM = 2.5
CFG_STAR_ZERO_STEPS = 2


def apg(momentum: float | None = APG_MOMENTUM) -> Apg:
    """Return a guidance object for adaptive projected guidance (APG) as in the released pipeline, with norms over
    height and frames of each channel.
    """
    return Apg((-2, -1), momentum, APG_NORM)


def cfg(conditional: torch.Tensor, unconditional: torch.Tensor, scale: float) -> torch.Tensor:
    """Return the guided velocity of classifier-free guidance with the guidance scale `scale` (arXiv 2207.12598,
    equation 6).
    """
    return unconditional + scale * (conditional - unconditional)


def cfg_star(conditional: torch.Tensor, unconditional: torch.Tensor, scale: float, index: int) -> torch.Tensor:
    """Return the velocity of CFG-Zero* guidance (arXiv 2503.18886), algorithm 1; `index` is the number of the
    evaluation, from 0.

    At the first `CFG_STAR_ZERO_STEPS` evaluations the velocity is zero. Later the unconditional velocity is scaled to
    fit the conditional one before both are combined.
    """
    if index < CFG_STAR_ZERO_STEPS:
        return torch.zeros_like(conditional)
    both = (conditional * unconditional).sum(dim=(1, 2, 3), keepdim=True)
    fitted = unconditional * (both / ((unconditional**2).sum(dim=(1, 2, 3), keepdim=True) + 1e-8))
    return fitted + scale * (conditional - fitted)


def double(
    conditional: torch.Tensor, text_only: torch.Tensor, unconditional: torch.Tensor, text: float, lyric: float
) -> torch.Tensor:
    """Return the velocity with separate guidance for prompt and lyrics, with the scales `text` and `lyric` (arXiv
    2211.09800, eq. 3).
    """
    return (1.0 - text) * unconditional + (text - lyric) * text_only + lyric * conditional


def decayed(scale: float, floor: float, decay: float, progress: float) -> float:
    """Return the guidance scale at `progress`, 0 to 1, through the guided steps: it falls from `scale` to `floor` if
    `decay` is 1, and is constant if `decay` is 0.
    """
    return scale - (scale - floor) * progress * decay
