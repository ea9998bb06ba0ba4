"""State of a song while it is denoised. A song is one section."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.ace_step_15.planning.spec import GenerationSpec
from model.ace_step_15.sampling.trajectories import Contexts, FinishedTrajectory, Trajectory
from model.ace_step_15.starting import Given


@dataclass(frozen=True, slots=True)
class Conditions:
    """See `model.engine.SectionConditions`. On a GPU, `ready` is the event behind the work that makes the tensors."""

    contexts: Contexts
    given: Given
    cost: int
    length: int
    steps: int
    memory_bytes: int
    group: str
    ready: torch.cuda.Event | None = None

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors on the device."""
        kept = self.given.kept
        caches = [tensor for cache in self.contexts.all for tensor in (cache.keys, cache.values)]
        return (*caches, self.given.latents, *(() if kept is None else (kept.source, kept.inside)))


@dataclass(frozen=True, slots=True)
class Context:
    """See `model.engine.SectionContext`. Nothing follows a song's only section."""


@dataclass(slots=True)
class State:
    """See `model.engine.SectionState`."""

    spec: GenerationSpec
    trajectory: Trajectory | FinishedTrajectory
    group: str = ""

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """See `Trajectory.advance`. After the last step only the latents are kept."""
        self.trajectory.advance(velocities)
        if self.step == self.steps:
            self.trajectory = FinishedTrajectory(self.trajectory.latents, self.steps)

    @property
    def step(self) -> int:
        """Number of denoising steps done."""
        return self.trajectory.step

    @property
    def steps(self) -> int:
        """Number of denoising steps in all."""
        return self.trajectory.steps

    @property
    def ends_song(self) -> bool:
        """False: songs end as planned."""
        return False
