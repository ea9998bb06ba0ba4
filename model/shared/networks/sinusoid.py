"""Computes sinusoidal embeddings of timesteps."""

import math

import torch


def sinusoid(timesteps: torch.Tensor, width: int) -> torch.Tensor:
    """Return the sinusoidal embedding [rows, width] of timesteps [rows], float32: cosines, then sines (arXiv
    1706.03762, section 3.5).
    """
    exponents = torch.arange(width // 2, device=timesteps.device, dtype=torch.float32) / (width // 2)
    angles = timesteps.float()[:, None] * torch.exp(-math.log(10_000.0) * exponents)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
