"""The denoising trajectory of a song. A trajectory returns the rows that the model evaluates in the next step, and
takes the predicted velocities to do the step.

Latents are [frames, channels], float32, on the device of the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from model.ace_step_15.networks.contexts import ContextCache
from model.shared.sampling.apg import Apg
from model.shared.sampling.flow import euler, noised

APG_MOMENTUM = -0.75
APG_NORM = 2.5


def apg() -> Apg:
    """Return a guidance object for adaptive projected guidance with the settings of the released pipeline, with norms
    over the frames of each channel.
    """
    return Apg((0,), APG_MOMENTUM, APG_NORM)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a forward pass: noisy latents, context, noise level `time`, and `given` [frames, 2 * channels], the
    source latents and their mask.
    """

    latents: torch.Tensor
    given: torch.Tensor
    time: float
    context: ContextCache


@dataclass(frozen=True, slots=True)
class Contexts:
    """The contexts of a song: conditional, and `unconditional`, which is `None` without guidance.

    `plain` is the context of text-to-music without a task; it is set if a cover follows its source with a strength
    below 1.
    """

    conditional: ContextCache
    unconditional: ContextCache | None = None
    plain: ContextCache | None = None

    @property
    def all(self) -> tuple[ContextCache, ...]:
        """All contexts that are not `None`, in the order conditional, unconditional, plain."""
        return tuple(each for each in (self.conditional, self.unconditional, self.plain) if each is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """Guidance of one song; `apg` keeps a running average between the steps.

    Guidance acts while the progress from noise to data, 0 to 1, is between `start` and `end`. A cover follows its
    source with `strength`, 0 to 1.
    """

    contexts: Contexts
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0
    strength: float = 1.0
    apg: Apg = field(default_factory=apg)

    def at(self, time: float) -> tuple[ContextCache, ...]:
        """Return the contexts under which the denoiser must be evaluated at noise level `time`."""
        given = self.contexts
        return given.all if self._on(time) else replace(given, unconditional=None).all

    def velocity(self, time: float, velocities: Sequence[torch.Tensor]) -> tuple[torch.Tensor, "Guidance"]:
        """Return the guided velocity at noise level `time`, and the guidance object for the next step.

        `velocities` are the transformer's predictions under the contexts `at(time)`, in that order.
        """
        rest, made, later = list(velocities[1:]), velocities[0], self
        if self._on(time):
            made, average = self.apg(made, rest.pop(0), self.scale)
            later = replace(self, apg=average)
        if rest:
            made = self.strength * made + (1.0 - self.strength) * rest[0]
        return made, later

    def _on(self, time: float) -> bool:
        return self.contexts.unconditional is not None and self.start <= 1.0 - time <= self.end


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Latents of the source that a song keeps: `inside` [frames, 1] is 0 where they are kept, 1 where the song is
    generated, and between 0 and 1 where both are mixed.
    """

    source: torch.Tensor
    inside: torch.Tensor


class Trajectory:
    """The denoising of a song, step by step. A step is one evaluation of the model with one to three batch rows."""

    def __init__(
        self, noise: torch.Tensor, given: torch.Tensor, times: Sequence[float], guidance: Guidance,
        kept: Kept | None = None,
    ) -> None:  # fmt: skip
        """Set up the trajectory. `noise` [frames, channels] is the random noise of the song, `given` [frames, 2 *
        channels] the source latents and their mask. `times` are the noise levels at which the steps begin, falling; the
        last step ends at 0.

        If the first level is below 1, the song starts from the `kept` latents, noised to that level.
        """
        self.latents = noise if kept is None or times[0] == 1.0 else noised(kept.source, noise, times[0])
        self._noise, self._given, self._kept, self._guidance = noise, given, kept, guidance
        self._times = (*times, 0.0)
        self.step = 0

    @property
    def steps(self) -> int:
        """Total number of denoising steps of the trajectory, at least 1."""
        return len(self._times) - 1

    def rows(self) -> list[Row]:
        """Return the batch rows that the model evaluates in the next step; repeated calls before the step return the
        same rows.
        """
        time = self._times[self.step]
        return [Row(self.latents, self._given, time, context) for context in self._guidance.at(time)]

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one denoising step with the predicted velocities of `rows`, each [frames, channels], float32.

        If the call fails, the trajectory is unchanged, so the step can be repeated with the same result.
        """
        now, later = self._times[self.step : self.step + 2]
        velocity, guidance = self._guidance.velocity(now, velocities)
        latents = euler(self.latents, velocity, now, later)
        if self._kept is not None:
            source = noised(self._kept.source, self._noise, later)
            latents = torch.lerp(source, latents, self._kept.inside.expand_as(latents))
        self.latents, self._guidance, self.step = latents, guidance, self.step + 1


class FinishedTrajectory:
    """A trajectory after its last denoising step, which keeps only the latents."""

    def __init__(self, latents: torch.Tensor, steps: int) -> None:
        self.latents = latents
        self.steps = self.step = steps

    def rows(self) -> list[Row]:
        """Raise RuntimeError, because a finished trajectory has no next step."""
        raise RuntimeError("the song is finished and cannot be denoised further. This is a bug: please report it")

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Raise RuntimeError, because a finished trajectory has no next step."""
        raise RuntimeError("the song is finished and cannot be denoised further. This is a bug: please report it")
