"""State of a section while it is denoised, and the context that a section passes to the next one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.ace_step_15.planning.spec import CONTEXT_FRAMES, GenerationSpec, SectionSpec
from model.ace_step_15.sampling.trajectories import Contexts, FinishedTrajectory, Trajectory
from model.ace_step_15.starting import Given


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a section; see `model.engine.SectionConditions`. On a GPU, `ready` is the CUDA event after
    which the tensors are complete.

    `given` is `None` for a section that continues another one, because its source then depends on the latents of that
    section.
    """

    contexts: Contexts
    given: Given | None
    cost: int
    length: int
    steps: int
    memory_bytes: int
    group: str
    ready: torch.cuda.Event | None = None

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors of the conditions on the device: keys and values of the contexts, and the source latents."""
        caches = [tensor for cache in self.contexts.all for tensor in (cache.keys, cache.values)]
        return (*caches, *(() if self.given is None else self.given.tensors))


@dataclass(frozen=True, slots=True)
class Context:
    """Data that a section passes to the next one: the final latents before the next section, and the latents for a
    crossfade; see `model.engine.SectionContext`.

    `tail` [frames, channels] are the last frames of the section and the final ones beyond its end; `beyond` [frames,
    channels] are the frames after `tail`, for the crossfade. Both are empty after the last section.
    """

    tail: torch.Tensor
    beyond: torch.Tensor


@dataclass(slots=True)
class State:
    """State of a section while it is denoised; see `model.engine.SectionState`. The frames from `first` to before
    `last` of the latents belong to the section.
    """

    spec: GenerationSpec
    index: int
    trajectory: Trajectory | FinishedTrajectory
    group: str = ""

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one denoising step with the predicted velocities of the rows; see `Trajectory.advance`. After the last
        step only the latents are kept.
        """
        self.trajectory.advance(velocities)
        if self.step == self.steps:
            self.trajectory = FinishedTrajectory(self.trajectory.latents, self.steps)

    @property
    def step(self) -> int:
        """Number of denoising steps already done."""
        return self.trajectory.step

    @property
    def steps(self) -> int:
        """Total number of denoising steps of the section."""
        return self.trajectory.steps

    @property
    def ends_song(self) -> bool:
        """False, because songs of this engine always end with the last planned section."""
        return False

    @property
    def section(self) -> SectionSpec:
        """Specification of the section, taken from the song's plan."""
        return self.spec.sections[self.index]

    @property
    def first(self) -> int:
        """Index of the latent frame at which the section begins."""
        return self.section.before

    @property
    def last(self) -> int:
        """Index of the latent frame just after the section's end."""
        return self.section.before + self.section.frames

    def context(self) -> Context:
        """Return the last latents of this finished section, from which the next section continues."""
        latents, last = self.trajectory.latents, self.last
        if self.index == len(self.spec.sections) - 1:
            return Context(latents[:0], latents[:0])
        settled = last + self.spec.settled
        # Copied, because a view would keep all latents in memory as long as the context is kept.
        return Context(latents[max(0, last - CONTEXT_FRAMES) : settled].clone(), latents[settled:].clone())
