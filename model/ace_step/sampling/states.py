"""A section on its way: what it is made under, where it is, and what it hands on."""

from dataclasses import dataclass, field

import torch

from model.ace_step.sampling.guided_velocity import Contexts
from model.ace_step.sampling.recipe import Recipe
from model.ace_step.sampling.trajectories import Walk
from model.song import Window

CONTEXT_FRAMES = 108
"""Latent frames (ten seconds) of what was made before that a section is made to follow."""

LOOKAHEAD_FRAMES = 11
"""Latent frames that a section is made beyond its end: a second, as much as the vocoder looks ahead."""

SEAM_SAMPLES = 1024
"""Samples (23 ms) over which the sound of one section gives way to that of the next."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """See `model.engine.SectionConditions`. `target` and `source` are there for the tasks that need them."""

    contexts: Contexts
    cost: int
    length: int
    steps: int
    memory_bytes: int
    group: str
    target: Contexts | None = None
    source: torch.Tensor | None = None


@dataclass(slots=True)
class Seam:
    """The sound just beyond the end of a section, known once that is rendered."""

    sound: Window | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What was made before: the latents up to the end of a section, those just beyond it, and the seam."""

    tail: torch.Tensor
    beyond: torch.Tensor
    seam: Seam


@dataclass(slots=True)
class State:
    """See `model.engine.SectionState`. The section's own frames are `first` to `first + frames` of its latents."""

    recipe: Recipe
    index: int
    walk: Walk
    first: int
    before: Context | None
    seam: Seam = field(default_factory=Seam)

    @property
    def step(self) -> int:
        """Steps done."""
        return self.walk.step

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.walk.steps

    @property
    def frames(self) -> int:
        """Latent frames of the section itself."""
        return self.recipe.frames[self.index]

    @property
    def last(self) -> int:
        """Where the section ends in its latents."""
        return self.first + self.frames
