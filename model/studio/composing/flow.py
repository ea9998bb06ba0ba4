"""Functions of rectified flow, a diffusion method with straight paths from noise to data.

Liu et al., "Flow Straight and Fast" (2022): x_t = (1 - t) x_0 + t noise, and therefore the velocity dx/dt is (x_t -
x_0) / t. Time runs from 1 (noise) to 0 (data).
"""

import torch
from torch import Tensor


def noise_towards(clean: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """Return the point at `time` [batch] on the straight path from `clean` to `noise`, both [batch, ...]."""
    time = time.view(-1, *[1] * (clean.dim() - 1))
    return torch.lerp(clean, noise, time)


def step_times(steps: int) -> Tensor:
    """Return the times [steps + 1] of a path with `steps` equal steps, from 1 (noise) down to 0 (data)."""
    return torch.linspace(1.0, 0.0, steps + 1)


def euler_step(state: Tensor, predicted_clean: Tensor, time: Tensor, next_time: Tensor) -> Tensor:
    """Return `state` [batch, ...] moved along the straight path to `predicted_clean`, from `time` to `next_time` (both
    [batch]).

    `time` is in (0, 1], `next_time` in [0, `time`]; at `next_time` 0 the result is the prediction itself.
    """
    share = (next_time / time).view(-1, *[1] * (state.dim() - 1))
    return torch.lerp(predicted_clean, state, share)


def training_times(count: int, generator: torch.Generator, mean: float = 0.4, spread: float = 1.2) -> Tensor:
    """Return random times [count] in (0, 1) for training, logit-normal as in Esser et al., "Scaling Rectified Flow
    Transformers" (2024).
    """
    return torch.sigmoid(torch.randn(count, generator=generator) * spread + mean)
