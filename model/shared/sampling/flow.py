"""Noise schedules and steps of rectified flow, as pure functions on the latents of one song."""

import math
from typing import TypeVar

import numpy as np
import torch

Level = TypeVar("Level", float, np.ndarray, torch.Tensor)


def shifted(level: Level, shift: float) -> Level:
    """Return the noise level `level`, 0 to 1, after a timestep shift; a `shift` above 1 places more steps at the noisy
    end.

    The formula is that of SD3 (arXiv 2403.03206), equation 23.
    """
    return shift * level / (1.0 + (shift - 1.0) * level)


def noised(data: torch.Tensor, noise: torch.Tensor, level: float) -> torch.Tensor:
    """Return the point at noise level `level` on the straight path from `data` (level 0) to `noise` (level 1)."""
    return (1.0 - level) * data + level * noise


def euler(latents: torch.Tensor, velocity: torch.Tensor, now: float, later: float) -> torch.Tensor:
    """Return the latents after an Euler step along `velocity` from noise level `now` to `later` (arXiv 2209.03003,
    equation 1).
    """
    return latents + (later - now) * velocity


def mixed(first: torch.Tensor, second: torch.Tensor, share: float) -> torch.Tensor:
    """Return a mixture of two noises that has the same variance as each of the two; with `share` 0 the mixture is the
    first noise, with 1 the second.
    """
    return math.cos(share * math.pi / 2) * first + math.sin(share * math.pi / 2) * second
