"""Draws random noise that is identical on all devices."""

from collections.abc import Callable, Sequence

import torch

from model.ace_step.networks.codec import LATENT_SHAPE


class Noise:
    """Generator of standard normal noise, float32, from one seed.

    The numbers are drawn on the host and copied to the device: a GPU's own generator gives other numbers than a CPU's,
    and, for songs of minutes, other numbers than that of another GPU model. Hosts of one architecture draw
    bit-identical numbers.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._device = device
        self._step: int | None = None
        self._of_step = torch.empty(0)

    def draw(self, frames: int) -> torch.Tensor:
        """Return the next standard normal noise [1, 8, 16, frames] of the generator."""
        return self._copied(self._drawn((1, *LATENT_SHAPE, frames)))

    def draw_for(self, step: int, shape: Sequence[int]) -> torch.Tensor:
        """Return the next standard normal noise of `shape` for denoising step `step`. If the step is repeated after a
        failure, the result is the same noise again.
        """
        if self._step != step:
            self._of_step, self._step = self._drawn(shape), step
        return self._copied(self._of_step)

    def _drawn(self, shape: Sequence[int]) -> torch.Tensor:
        return torch.randn(*shape, generator=self._generator, pin_memory=self._device.type == "cuda")

    def _copied(self, noise: torch.Tensor) -> torch.Tensor:
        return noise.to(self._device, non_blocking=True)


Noises = Callable[[int], Noise]
"""Function that returns the noise generator of a random seed."""
