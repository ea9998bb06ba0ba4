"""Guidance, which combines the velocities under several conditions: APG, CFG, CFG-Zero*, and two conditions at once.

Velocities have the shape [1, 8, 16, frames], float32. Each song has its own `Apg`, because it has state.
"""

from dataclasses import dataclass, field, replace

import torch

APG_MOMENTUM = -0.75
APG_NORM = 2.5
CFG_STAR_ZERO_STEPS = 2
_SLAB = (-2, -1)


def cfg(conditional: torch.Tensor, unconditional: torch.Tensor, scale: float) -> torch.Tensor:
    """Classifier-free guidance (arXiv 2207.12598), equation 6."""
    return unconditional + scale * (conditional - unconditional)


def cfg_star(conditional: torch.Tensor, unconditional: torch.Tensor, scale: float, index: int) -> torch.Tensor:
    """CFG-Zero* (arXiv 2503.18886), algorithm 1: the velocity is zero at the first evaluations; `index` counts from 0.

    After that the unconditional velocity is first scaled to fit the conditional one.
    """
    if index < CFG_STAR_ZERO_STEPS:
        return torch.zeros_like(conditional)
    both = (conditional * unconditional).sum(dim=(1, 2, 3), keepdim=True)
    fitted = unconditional * (both / ((unconditional**2).sum(dim=(1, 2, 3), keepdim=True) + 1e-8))
    return fitted + scale * (conditional - fitted)


def double(
    conditional: torch.Tensor, text_only: torch.Tensor, unconditional: torch.Tensor, text: float, lyric: float
) -> torch.Tensor:
    """Guidance of `text` for the prompt and `lyric` for the lyrics, after InstructPix2Pix (arXiv 2211.09800), eq. 3."""
    return (1.0 - text) * unconditional + (text - lyric) * text_only + lyric * conditional


@dataclass(frozen=True, slots=True, eq=False)
class Apg:
    """Adaptive projected guidance (arXiv 2410.02416), algorithm 1, with the running average of one song.

    With `momentum` `None` no average is used.
    """

    momentum: float | None = APG_MOMENTUM
    average: torch.Tensor | float = field(default=0.0, repr=False)

    def __call__(
        self, conditional: torch.Tensor, unconditional: torch.Tensor, scale: float
    ) -> tuple[torch.Tensor, "Apg"]:
        """Return the guided velocity, and the guidance of the next step with the updated average."""
        difference = conditional - unconditional
        if self.momentum is not None:
            difference = difference + self.momentum * self.average
        guided = conditional + (scale - 1.0) * _across(_clipped(difference), conditional)
        return guided, self if self.momentum is None else replace(self, average=difference)


def _clipped(difference: torch.Tensor) -> torch.Tensor:
    """Scale down each (item, channel) slab that is longer than the threshold."""
    norm = torch.linalg.vector_norm(difference, dim=_SLAB, keepdim=True)
    return difference * torch.clamp(APG_NORM / norm, max=1.0)


def _across(difference: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Return the part of each slab of `difference` that is orthogonal to `direction`, computed in float64.

    On devices without float64 (mps) it is computed on the processor.
    """
    where = "cpu" if difference.device.type == "mps" else difference.device
    wide, along = difference.to(where, torch.float64), direction.to(where, torch.float64)
    along = torch.nn.functional.normalize(along.flatten(2), dim=-1).view_as(along)
    across = wide - (wide * along).sum(dim=_SLAB, keepdim=True) * along
    return across.to(difference.device, difference.dtype)


def decayed(scale: float, floor: float, decay: float, progress: float) -> float:
    """Return the scale at `progress`, 0 to 1, of the guided steps: from `scale` down to `floor` if `decay` is 1."""
    return scale - (scale - floor) * progress * decay
