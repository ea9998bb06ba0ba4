"""The specification of a song: all parameters of a request, with all defaults filled in. The module does not import
torch.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from model.ace_step.options import Sampler
from model.shared.tasks import second_seed, section_seed
from model.tasks import Edit, Task

RELEASED_OMEGA = 10.0


Words: TypeAlias = tuple[int, ...]
"""Lyric token ids; empty for an instrumental."""


class GuidanceKind(StrEnum):
    """Method of guidance: how the conditional and the unconditional velocity are combined."""

    APG = "apg"
    CFG = "cfg"
    CFG_STAR = "cfg_star"


@dataclass(frozen=True, slots=True)
class GuidanceParams:
    """Strength of guidance and the denoising steps that have it; the defaults are those of the released pipeline.

    `scale` 0 or 1 switches guidance off. `interval`, 0 to 1, is the share of the denoising steps that are guided,
    centred on the middle of all steps. If `decay` is above 0, the scale falls to `floor` during the guided steps. If
    `text` and `lyric` are both above 1, they are the guidance scales of prompt and lyrics, and replace `scale` and
    `kind`.
    """

    scale: float = 15.0
    kind: GuidanceKind = GuidanceKind.APG
    interval: float = 0.5
    decay: float = 0.0
    floor: float = 3.0
    text: float = 0.0
    lyric: float = 0.0

    @property
    def double(self) -> bool:
        """True if prompt and lyrics have separate guidance scales."""
        return self.text > 1.0 and self.lyric > 1.0

    @property
    def on(self) -> bool:
        """True if guidance changes the velocity in any denoising step."""
        return self.double or self.scale not in (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class GenerationSpec:
    """All parameters of a song, with every default filled in. `words` (lyric token ids) and `frames` (number of latent
    frames) have one entry per section. For the task edit, `target_words` are the lyric token ids of the edited song.
    `source_frames` is the number of latent frames of the recording, 0 without one.
    """

    prompt: str
    words: tuple[Words, ...]
    frames: tuple[int, ...]
    seed: int
    steps: int
    guidance: GuidanceParams
    sampler: Sampler
    omega: float
    lora: str | None = None
    lora_weight: float = 1.0
    task: Task | None = None
    target_words: Words = ()
    source_frames: int = 0

    def section_seed(self, index: int) -> int:
        """Return the random seed of section `index`; that of the first section is the seed of the song."""
        return section_seed(self.seed, index)

    @property
    def second_seed(self) -> int:
        """Seed of the second noise, which tasks such as a variation (`Retake`) add to the noise of the song's seed."""
        return second_seed(self.seed, self.task)


def edit_range(task: Edit, steps: int) -> tuple[int, int]:
    """Return the range of denoising steps in which FlowEdit changes the song: the first such step, and the first step
    after them.
    """
    first = int(steps * task.start)
    return first, max(first, int(steps * task.end))
