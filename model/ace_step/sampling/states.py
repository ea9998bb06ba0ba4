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
"""Number of latent frames (ten seconds) of earlier sound on which a section is conditioned."""

LOOKAHEAD_FRAMES = 11
"""Number of latent frames denoised beyond a section's end: one second, the length of later sound that the vocoder
needs.
"""

OVERLAP_SAMPLES = 1024
"""Length in samples (23 ms) of the crossfade between sections."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a section in ACE-Step v1; see `model.engine.SectionConditions`.

    `target` are the contexts of the edited song for the task edit. `source` are the latents of the recording for a task
    that has one. On a GPU, `ready` is the CUDA event after which the tensors are complete.
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
        """The keys and values of every context, including those of the edited song."""
        return (*self.contexts.all, *(self.target.all if self.target else ()))

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors of the conditions on the device: keys and values of the contexts, and the latents of the
        recording.
        """
        made = [tensor for cache in self.caches for tensor in (cache.keys, cache.values)]
        return (*made, *([] if self.source is None else [self.source]))


@dataclass(slots=True)
class Overlap:
    """The sound just after the end of a section, which is crossfaded with the next section; `sound` is `None` until the
    section is rendered.
    """

    sound: Window | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Data that a section passes to the next one: the latents up to the section's end (`tail`), the latents just after
    it (`beyond`), and the sound of `beyond`.
    """

    tail: torch.Tensor
    beyond: torch.Tensor
    overlap: Overlap


@dataclass(slots=True)
class State:
    """The state of a section while it is denoised; see `model.engine.SectionState`.

    The frames from `first` to `first + frames` of the latents belong to the section. `before` is the sound after the
    end of the previous section, `None` for a song's first section.
    """

    spec: GenerationSpec
    index: int
    trajectory: Trajectory
    first: int
    before: Overlap | None
    group: str = ""
    overlap: Overlap = field(default_factory=Overlap)

    def advance(self, velocities: Sequence[torch.Tensor]) -> None:
        """Take one denoising step with the predicted velocities of the rows; see `Trajectory.advance`. After the last
        step only the latents are kept.
        """
        self.trajectory.advance(velocities)
        if self.trajectory.step == self.trajectory.steps:
            self.trajectory = FinishedTrajectory(self.trajectory.latents, self.trajectory.steps)

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
    def frames(self) -> int:
        """Number of latent frames of the section itself, without the additional frames before and after it."""
        return self.spec.frames[self.index]

    @property
    def last(self) -> int:
        """Index of the latent frame just after the section's end."""
        return self.first + self.frames
