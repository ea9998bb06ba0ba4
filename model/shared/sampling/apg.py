"""Adaptive projected guidance (APG) for one song of a batch."""

from dataclasses import dataclass, field, replace

import torch

_SMALLEST = 1e-12
"""Smallest norm by which a vector is divided, to avoid division by zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Apg:
    """Adaptive projected guidance (arXiv 2410.02416), algorithm 1, with the running average of one song's guidance
    differences.

    Norms and projections are over the `axes` of a velocity; a difference whose norm exceeds `longest` is scaled down to
    it. If `momentum` is `None`, no average is used. Padding must be cut off before, because it would change the norms.
    """

    axes: tuple[int, ...]
    momentum: float | None
    longest: float
    average: torch.Tensor | float = field(default=0.0, repr=False)

    def __call__(
        self, conditional: torch.Tensor, unconditional: torch.Tensor, scale: float
    ) -> tuple[torch.Tensor, "Apg"]:
        """Return the guided velocity, and the guidance object for the next step with the updated average."""
        difference = conditional - unconditional
        if self.momentum is not None:
            difference = difference + self.momentum * self.average
        guided = conditional + (scale - 1.0) * self._across(self._clipped(difference), conditional)
        return guided, self if self.momentum is None else replace(self, average=difference)

    def _clipped(self, difference: torch.Tensor) -> torch.Tensor:
        norm: torch.Tensor = torch.linalg.vector_norm(difference, dim=self.axes, keepdim=True)
        return difference * torch.clamp(self.longest / norm, max=1.0)

    def _across(self, difference: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
        """Return the component of `difference` that is orthogonal to `direction`, computed in float64.

        On devices without float64 (mps) the CPU computes it.
        """
        where = "cpu" if difference.device.type == "mps" else difference.device
        wide, along = difference.to(where, torch.float64), direction.to(where, torch.float64)
        along = along / torch.linalg.vector_norm(along, dim=self.axes, keepdim=True).clamp(min=_SMALLEST)
        across: torch.Tensor = wide - (wide * along).sum(dim=self.axes, keepdim=True) * along
        return across.to(difference.device, difference.dtype)
