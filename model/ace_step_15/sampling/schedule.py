"""Noise schedule of ACE-Step 1.5: the noise levels of the denoising steps."""

import torch

from model.shared.sampling.flow import shifted


def times(steps: int, shift: float) -> tuple[float, ...]:
    """Return the noise levels at which `steps` denoising steps begin, falling from 1, computed in float32; the last
    step ends at 0. A `shift` above 1 places more steps at the noisy end.
    """
    return tuple(shifted(torch.linspace(1.0, 0.0, steps + 1), shift)[:-1].tolist())
