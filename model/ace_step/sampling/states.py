"""The state of a section during denoising: conditions, trajectory, and context for the next section."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from model.ace_step.networks.contexts import ContextCache
from model.ace_step.sampling.generation_spec import GenerationSpec
from model.ace_step.sampling.guided_velocity import Contexts
from model.ace_step.sampling.trajectories import FinishedTrajectory, Trajectory
from model.song import Window

CONTEXT_FRAMES = 108
"""Latent frames (ten seconds) of earlier sound on which a section is conditioned."""

LOOKAHEAD_FRAMES = 11
"""Latent frames denoised beyond a section's end: a second, as much as the vocoder looks ahead."""

SEAM_SAMPLES = 1024
"""Samples (23 ms) of the crossfade between sections."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """See `model.engine.SectionConditions`. `target` and `source` are set for the tasks that need them.

    On a GPU, `ready` is the event that follows the work that makes the tensors.
    """

    contexts: Contexts
    cost: int
    length: int
    steps: int
    memory_bytes: int
    group: str
    target: Contexts | None = None
    source: torch.Tensor | None = None
    ready: torch.cuda.Event | None = None

    @property
    def caches(self) -> tuple[ContextCache, ...]:
        """The keys and values of every context."""
        return (*self.contexts.all, *(self.target.all if self.target else ()))

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors on the device."""
        made = [tensor for cache in self.caches for tensor in (cache.keys, cache.values)]
        return (*made, *([] if self.source is None else [self.source]))


@dataclass(slots=True)
class Seam:
    """The sound just after the end of a section, known once the section is rendered."""

    sound: Window | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The latents before a section: those up to the end of the previous section, those just after it, and its seam."""

    tail: torch.Tensor
    beyond: torch.Tensor
    seam: Seam


@dataclass(slots=True)
class State:
    """See `model.engine.SectionState`. The section's own frames are `first` to `first + frames` of its latents.

    `before` is the seam of the previous section, `None` for a song's first section.
    """

    spec: GenerationSpec
    index: int
    trajectory: Trajectory
    first: int
    before: Seam | None
    group: str = ""
    seam: Seam = field(default_factory=Seam)

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """See `Trajectory.advance`. After the last step only the latents are stored."""
        self.trajectory.advance(velocities)
        if self.trajectory.step == self.trajectory.steps:
            self.trajectory = FinishedTrajectory(self.trajectory.latents, self.trajectory.steps)

    @property
    def step(self) -> int:
        """Number of denoising steps done."""
        return self.trajectory.step

    @property
    def steps(self) -> int:
        """Total number of denoising steps."""
        return self.trajectory.steps

    @property
    def ends_song(self) -> bool:
        """False: songs end as planned."""
        return False

    @property
    def frames(self) -> int:
        """Latent frames of the section itself."""
        return self.spec.frames[self.index]

    @property
    def last(self) -> int:
        """Frame at which the section ends in its latents."""
        return self.first + self.frames
