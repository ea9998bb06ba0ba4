"""Noise schedules of ACE-Step v1, and the interval of steps with guidance."""

from dataclasses import dataclass

import numpy as np
import torch

from model.shared.sampling.flow import shifted

SHIFT = 3.0
TIMESTEPS = 1000.0
SIGMA_FLOOR = 0.001


def sigmas(steps: int, sigma_max: float = 1.0) -> torch.Tensor:
    """Return the noise levels of a song, float32 [steps + 1], falling from `sigma_max` (shifted twice) to 0.

    As in the released pipeline, the shift is applied to the ends of the range and again to every level.
    """
    floor = float(np.float32(shifted(SIGMA_FLOOR, SHIFT)))
    levels = np.linspace(shifted(sigma_max, SHIFT), floor, steps)
    return _ended(shifted(levels, SHIFT))


def chosen_sigmas(chosen: tuple[int, ...]) -> torch.Tensor:
    """Return noise levels, float32 [len(chosen) + 1], for the steps numbered `chosen`, from 1, of a schedule with
    `max(chosen)` steps; the last level is 0.

    As in the released pipeline, the chosen levels are shifted once more.
    """
    picked = sigmas(max(chosen)).double().numpy()[[step - 1 for step in chosen]]
    return _ended(shifted(picked, SHIFT))


def _ended(levels: np.ndarray) -> torch.Tensor:
    return torch.tensor([*levels, 0.0], dtype=torch.float32)


@dataclass(frozen=True, slots=True)
class Interval:
    """The range of denoising steps in which guidance is on: `start <= index < end`."""

    start: int
    end: int

    @classmethod
    def middle(cls, steps: int, share: float) -> "Interval":
        """Return the interval of guided steps: the middle `share`, 0 to 1, of `steps` steps."""
        return cls(int(steps * (1.0 - share) / 2.0), int(steps * (share / 2.0 + 0.5)))

    def holds(self, index: int) -> bool:
        """Return True if step `index` is guided."""
        return self.start <= index < self.end

    def progress(self, index: int) -> float:
        """Return the position, 0 to 1, of step `index` between the first guided step (0) and the last (1); 0 if only
        one step is guided.
        """
        return (index - self.start) / max(1, self.end - self.start - 1)
