"""Samplers (the ODE solvers Euler and Heun, and PingPong) that move the latents of one song from noise to data, step by
step.

Each song has its own sampler, so that songs in a batch are independent: Euler and Heun use the mean of the song's own
latents, and PingPong draws noise from the song's own generator. A step returns new latents and a new sampler without
changing the old ones, so that a failed step, for example for lack of memory, can be repeated.
"""

import copy
import math
from typing import Protocol, Self

import torch

from model.ace_step.sampling.noise import Noise
from model.ace_step.sampling.schedule import TIMESTEPS


class Solver(Protocol):
    """Protocol of a sampler that moves the latents of one song from noise to data, one evaluation of the model at a
    time.
    """

    @property
    def evaluations(self) -> int:
        """Total number of evaluations of the denoiser (forward passes)."""

    @property
    def index(self) -> int:
        """Number of evaluations of the denoiser already done."""

    @property
    def timestep(self) -> float:
        """Timestep of the next evaluation of the denoiser: 1000 times the noise level."""

    def step(self, latents: torch.Tensor, velocity: torch.Tensor) -> tuple[torch.Tensor, Self]:
        """Return the latents after the next evaluation, whose predicted velocity is `velocity`, and the sampler for the
        evaluation after that.

        Both tensors are float32 and of one shape.
        """


def omega_weight(omega: float) -> float:
    """Return the factor, between 0.9 and 1.1, by which a sampler multiplies the deviation of a latent change from its
    mean: 1 if `omega` is 0, larger for positive values.
    """
    return 0.9 + 0.2 / (1.0 + math.exp(-0.1 * omega))


def _moved(latents: torch.Tensor, change: torch.Tensor, weight: float) -> torch.Tensor:
    mean = change.mean()
    return latents + (change - mean) * weight + mean


class _Levels:
    """Base class of the samplers: the sequence of noise levels, and the number of evaluations done."""

    def __init__(self, levels: torch.Tensor) -> None:
        self._levels = levels.tolist()
        self._timesteps = (levels[:-1] * TIMESTEPS).tolist()
        self.index = 0

    @property
    def evaluations(self) -> int:
        return len(self._timesteps)

    @property
    def timestep(self) -> float:
        return float(self._timesteps[self.index])

    def levels(self) -> tuple[float, float]:
        """Return the noise levels before and after the next evaluation."""
        return self._levels[self.index], self._levels[self.index + 1]

    def advanced(self) -> Self:
        """Return a copy of the sampler with one more evaluation done."""
        later = copy.copy(self)
        later.index += 1
        return later


class Euler(_Levels):
    """First-order solver: x' = x + (s' - s) v, with velocity v from noise level s to s'; the deviation of the change
    from its mean is weighted by omega.
    """

    def __init__(self, levels: torch.Tensor, omega: float) -> None:
        super().__init__(levels)
        self._weight = omega_weight(omega)

    def step(self, latents: torch.Tensor, velocity: torch.Tensor) -> tuple[torch.Tensor, Self]:
        """Return the latents after one Euler step and the sampler for the next step; see `Solver.step`."""
        now, later = self.levels()
        return _moved(latents, (later - now) * velocity, self._weight), self.advanced()


class Heun(_Levels):
    """Second-order solver: each Euler step except the last is repeated with the mean of the velocities at its start and
    its end.

    `levels` are the noise levels between the n steps, as in `Euler`; n steps take 2 n - 1 evaluations.
    """

    def __init__(self, levels: torch.Tensor, omega: float) -> None:
        inner = levels[1:-1].repeat_interleave(2)
        super().__init__(torch.cat([levels[:1], inner, levels[-1:]]))
        self._weight = omega_weight(omega)
        self._first: tuple[torch.Tensor, torch.Tensor, float] | None = None

    def step(self, latents: torch.Tensor, velocity: torch.Tensor) -> tuple[torch.Tensor, Self]:
        """Return the latents after one evaluation, the first or second half of a Heun step, and the next sampler; see
        `Solver.step`.
        """
        now, later = self.levels()
        advanced = self.advanced()
        if self._first is None:
            # Copied, because the velocity may be a view of a whole batch, which would stay in memory.
            advanced._first = (latents, velocity.clone(), later - now)
            return _moved(latents, (later - now) * velocity, self._weight), advanced
        start, first, distance = self._first
        advanced._first = None
        return _moved(start, distance * (0.5 * (first + velocity)), self._weight), advanced


class PingPong(_Levels):
    """Stochastic sampler: each step moves to the data that the velocity predicts, then adds new noise of the next noise
    level.
    """

    def __init__(self, levels: torch.Tensor, noise: Noise) -> None:
        super().__init__(levels)
        self._noise = noise

    def step(self, latents: torch.Tensor, velocity: torch.Tensor) -> tuple[torch.Tensor, Self]:
        """Return the latents after one step with new noise, and the sampler for the next step; see `Solver.step`."""
        now, later = self.levels()
        data = latents - now * velocity
        noise = self._noise.draw_for(self.index, latents.shape)
        return (1.0 - later) * data + later * noise, self.advanced()
