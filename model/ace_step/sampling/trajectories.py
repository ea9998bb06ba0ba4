"""Denoising trajectories from noise to a song, one class per task. A trajectory returns the rows that the model
evaluates in the next step, and takes the predicted velocities to do the step.

Latents have the shape [1, 8, 16, frames], float32, on the device of the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from model.ace_step.networks.contexts import ContextCache
from model.ace_step.sampling.guidance import apg
from model.ace_step.sampling.guided_velocity import Contexts, Guidance
from model.ace_step.sampling.samplers import Solver
from model.ace_step.sampling.schedule import TIMESTEPS
from model.shared.sampling.flow import euler, noised

Draw = Callable[[int], torch.Tensor]
"""Function that returns noise for a step, in the shape of the song's latents; for a repeated step, the same noise."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a forward pass: the latents, timestep and context of one evaluation."""

    latents: torch.Tensor
    timestep: float
    context: ContextCache


class Trajectory(Protocol):
    """Protocol of the denoising of a song, step by step. A step is one evaluation of the model, which may need several
    batch rows.
    """

    latents: torch.Tensor

    @property
    def steps(self) -> int:
        """Total number of denoising steps of the trajectory, at least 1."""

    @property
    def step(self) -> int:
        """Number of denoising steps already done."""

    def rows(self) -> list[Row]:
        """Return the batch rows that the model evaluates in the next step; repeated calls before the step return the
        same rows.
        """

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one denoising step with the predicted velocities of `rows`, each [1, 8, 16, frames], float32.

        If the call fails, the trajectory is unchanged, so the step can be repeated with the same result.
        """


class FinishedTrajectory:
    """A trajectory after its last denoising step, which keeps only the latents."""

    def __init__(self, latents: torch.Tensor, steps: int) -> None:
        self.latents = latents
        self.steps = self.step = steps

    def rows(self) -> list[Row]:
        """Raise RuntimeError, because a finished trajectory has no next step."""
        raise RuntimeError("the section is finished and cannot be denoised further. This is a bug: please report it")

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Raise RuntimeError, because a finished trajectory has no next step."""
        raise RuntimeError("the section is finished and cannot be denoised further. This is a bug: please report it")


class SamplerTrajectory:
    """Trajectory from noise, or from a noised reference recording, to a song, with one sampler."""

    def __init__(self, latents: torch.Tensor, sampler: Solver, guidance: Guidance) -> None:
        self.latents = latents
        self._sampler = sampler
        self._guidance = guidance

    @property
    def steps(self) -> int:
        """Total number of denoising steps of the trajectory, at least 1."""
        return self._sampler.evaluations

    @property
    def step(self) -> int:
        """Number of denoising steps already done."""
        return self._sampler.index

    def rows(self) -> list[Row]:
        """Return the batch rows that the model evaluates in the next step; see `Trajectory.rows`."""
        timestep = self._sampler.timestep
        return [Row(self.latents, timestep, context) for context in self._guidance.contexts(self.step)]

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one denoising step with the predicted velocities of the rows; see `Trajectory.advance`."""
        velocity, guidance = self._guidance.velocity(self.step, velocities)
        latents, sampler = self._sampler.step(self.latents, velocity)
        self.latents, self._sampler, self._guidance = latents, sampler, guidance


class RepaintTrajectory:
    """Trajectory that generates a time window of a recording anew (inpainting); the rest of the recording stays
    unchanged.

    The first `skipped` noise levels of the full schedule are left out; fewer steps preserve more of the recording.
    """

    def __init__(
        self,
        source: torch.Tensor,
        noise: torch.Tensor,
        inside: torch.Tensor,
        levels: torch.Tensor,
        skipped: int,
        guidance: Guidance,
    ) -> None:
        """Set up the trajectory. `source` are the latents of the recording, and `noise` is noise of the same shape.
        `inside` [frames] is 1 in the time window, 0 outside, and between 0 and 1 where old and new latents are mixed.
        `levels` are the noise levels, falling to 0, of the full schedule.
        """
        self._source, self._noise, self._inside = source, noise, inside
        self._levels = levels.tolist()
        self._skipped = skipped
        self._index = skipped
        self._guidance = guidance
        self.latents = self._noised(self._levels[skipped])

    @property
    def steps(self) -> int:
        """Total number of denoising steps of the trajectory, at least 1."""
        return len(self._levels) - 1 - self._skipped

    @property
    def step(self) -> int:
        """Number of denoising steps already done."""
        return self._index - self._skipped

    def rows(self) -> list[Row]:
        """Return the batch rows that the model evaluates in the next step; see `Trajectory.rows`."""
        timestep = _timestep(self._levels[self._index])
        return [Row(self.latents, timestep, context) for context in self._guidance.contexts(self._index)]

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one denoising step with the predicted velocities of the rows; see `Trajectory.advance`."""
        now, later = self._levels[self._index : self._index + 2]
        velocity, guidance = self._guidance.velocity(self._index, velocities)
        moved = euler(self.latents, velocity, now, later)
        latents = torch.lerp(self._noised(later), moved, self._inside.expand_as(moved))
        self.latents, self._guidance, self._index = latents, guidance, self._index + 1

    def _noised(self, level: float) -> torch.Tensor:
        return noised(self._source, self._noise, level)


class EditTrajectory:
    """FlowEdit (arXiv 2412.08629), algorithm 1: transforms one song into another by the difference of their velocities.

    At the noise levels `first` to `last` of the schedule (`last` excluded) the latents move by this difference,
    averaged over `averages` noises. At the later levels the target song is sampled as usual. Guidance is always APG.
    """

    def __init__(
        self,
        source: torch.Tensor,
        levels: torch.Tensor,
        between: tuple[int, int],
        averages: int,
        contexts: tuple[Contexts, Contexts],
        scale: float,
        draw: Draw,
    ) -> None:
        """Set up the trajectory. `source` are the latents of the recording, `levels` the noise levels, falling to 0.
        `contexts` are those of the source and of the target song; `between` are the indices (first, last) of the noise
        levels at which the song is changed; `scale` is the guidance scale, and `draw` returns the noise of the
        denoising step with a given number.
        """
        self.latents = source.clone()
        self._source, self._draw, self._scale = source, draw, scale
        self._levels = levels.tolist()
        self._first, self._last = between
        self._averages = averages
        self._of_source, self._of_target = contexts
        self._source_apg, self._target_apg = apg(), apg()
        self._difference = torch.zeros_like(source)
        self._noised: torch.Tensor | None = None
        self._step = 0

    @property
    def steps(self) -> int:
        """Total number of denoising steps of the trajectory, at least 1."""
        return self._moving + len(self._levels) - 1 - self._last

    @property
    def step(self) -> int:
        """Number of denoising steps already done."""
        return self._step

    def rows(self) -> list[Row]:
        """Return the batch rows that the model evaluates in the next step; see `Trajectory.rows`."""
        level = self._levels[self._index]
        if self._step >= self._moving:
            self._enter_sampling(level)
            return _pair(self.latents, level, self._of_target)
        if self._noised is None:
            self._noised = self._fresh(level)
        target = self.latents + self._noised - self._source
        return _pair(self._noised, level, self._of_source) + _pair(target, level, self._of_target)

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one denoising step with the predicted velocities of the rows; see `Trajectory.advance`."""
        now, later = self._levels[self._index : self._index + 2]
        if self._step >= self._moving:
            self._sample(later - now, *velocities)
        else:
            self._move(later - now, *velocities)

    def _sample(self, distance: float, conditional: torch.Tensor, unconditional: torch.Tensor) -> None:
        guided, later = self._target_apg(conditional, unconditional, self._scale)
        latents = self.latents + distance * guided
        self.latents, self._target_apg, self._step = latents, later, self._step + 1

    def _move(
        self, distance: float, conditional: torch.Tensor, unconditional: torch.Tensor, target: torch.Tensor,
        without: torch.Tensor,
    ) -> None:  # fmt: skip
        source, later = self._source_apg(conditional, unconditional, self._scale)
        moved, _ = apg(momentum=None)(target, without, self._scale)
        latents, difference = self.latents, self._difference + (moved - source) / self._averages
        if (self._step + 1) % self._averages == 0:
            latents, difference = latents + distance * difference, torch.zeros_like(difference)
        self.latents, self._difference, self._source_apg = latents, difference, later
        self._noised, self._step = None, self._step + 1

    @property
    def _moving(self) -> int:
        """Number of editing steps, in which the latents move by the difference between the velocities of target and
        source.
        """
        return (self._last - self._first) * self._averages

    @property
    def _index(self) -> int:
        """Index in the schedule of the noise level at which the next step starts."""
        if self._step < self._moving:
            return self._first + self._step // self._averages
        return self._last + self._step - self._moving

    def _enter_sampling(self, level: float) -> None:
        if self._noised is None:
            noised = self._fresh(level)
            latents = self.latents + noised - self._source
            self.latents, self._noised = latents, noised

    def _fresh(self, level: float) -> torch.Tensor:
        return noised(self._source, self._draw(self._step), level)


def _pair(latents: torch.Tensor, level: float, contexts: Contexts) -> list[Row]:
    return [Row(latents, _timestep(level), context) for context in contexts.all]


def _timestep(level: float) -> float:
    return float(torch.tensor(level) * TIMESTEPS)
