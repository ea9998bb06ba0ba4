"""The denoising trajectory of a song: says which rows to evaluate next and takes their velocities.

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
    """Return adaptive projected guidance with the settings of the released pipeline, with norms over the frames of each
    channel.
    """
    return Apg((0,), APG_MOMENTUM, APG_NORM)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a forward pass. `given` [frames, 2 * channels] are the source latents and their mask; `time` is the
    noise level.
    """

    latents: torch.Tensor
    given: torch.Tensor
    time: float
    context: ContextCache


@dataclass(frozen=True, slots=True)
class Contexts:
    """The contexts of a song. `unconditional` is `None` without guidance.

    `plain`, the context of text-to-music without a task, is set if a cover follows its source with a strength below 1.
    """

    conditional: ContextCache
    unconditional: ContextCache | None = None
    plain: ContextCache | None = None

    @property
    def all(self) -> tuple[ContextCache, ...]:
        """All contexts that are not `None`."""
        return tuple(each for each in (self.conditional, self.unconditional, self.plain) if each is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """Guidance of one song, with its running state between steps.

    Guidance acts between `start` and `end`, progress from noise to data, 0 to 1. A cover follows its source with
    `strength`, 0 to 1.
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
        """Return the guided velocity at noise level `time`, and the guidance with its new state for the next step.

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
    """Latents of the source that a song keeps: where `inside` [frames, 1] is 0; where it is between 0 and 1, source and
    song are mixed.
    """

    source: torch.Tensor
    inside: torch.Tensor


class Trajectory:
    """The denoising of a song; a step is one evaluation of one to three rows."""

    def __init__(
        self, noise: torch.Tensor, given: torch.Tensor, times: Sequence[float], guidance: Guidance,
        kept: Kept | None = None,
    ) -> None:  # fmt: skip
        """Set up the trajectory; `times` are the noise levels at which steps begin, falling; the last step ends at 0.

        If the first level is below 1, the song starts from the `kept` latents, noised to that level.
        """
        self.latents = noise if kept is None or times[0] == 1.0 else noised(kept.source, noise, times[0])
        self._noise, self._given, self._kept, self._guidance = noise, given, kept, guidance
        self._times = (*times, 0.0)
        self.step = 0

    @property
    def steps(self) -> int:
        """Total number of steps, at least 1."""
        return len(self._times) - 1

    def rows(self) -> list[Row]:
        """Return the rows that the next step evaluates; the same on every call until the step is taken."""
        time = self._times[self.step]
        return [Row(self.latents, self._given, time, context) for context in self._guidance.at(time)]

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one step with the predicted velocities of `rows`, each [frames, channels], float32.

        A failure leaves the trajectory unchanged: the step can be taken again with the same result.
        """
        now, later = self._times[self.step : self.step + 2]
        velocity, guidance = self._guidance.velocity(now, velocities)
        latents = euler(self.latents, velocity, now, later)
        if self._kept is not None:
            source = noised(self._kept.source, self._noise, later)
            latents = torch.lerp(source, latents, self._kept.inside.expand_as(latents))
        self.latents, self._guidance, self.step = latents, guidance, self.step + 1


class FinishedTrajectory:
    """A trajectory after its last step, of which only the latents are left."""

    def __init__(self, latents: torch.Tensor, steps: int) -> None:
        self.latents = latents
        self.steps = self.step = steps

    def rows(self) -> list[Row]:
        """Raise RuntimeError, because no step is left."""
        raise RuntimeError("the song is finished and cannot be denoised further. This is a bug: please report it")

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Raise RuntimeError, because no step is left."""
        raise RuntimeError("the song is finished and cannot be denoised further. This is a bug: please report it")
