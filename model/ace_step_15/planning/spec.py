"""Specification of a song: all parameters of a request, with every default filled in. The module does not import
torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from model.ace_step_15.tasks import Cover, ModelTask, TextToMusic
from model.shared.tasks import second_seed, section_seed
from model.tasks import Task

CONTEXT_FRAMES = 250
"""Number of latent frames (ten seconds) of earlier sound on which a section is conditioned."""

OVERLAP_FRAMES = 25
"""Number of latent frames (one second) beyond a section's end that are generated again in the next section, with a
crossfade.
"""


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """Specification of a section: the texts for the encoders, and its number of latent frames.

    The section is denoised together with `before` frames of earlier sound and `beyond` frames after its end.
    `plain_text`, for a cover, is the text of text-to-music without the task. `negative_text` is the text with the
    negative prompt; if it is empty, guidance uses the model's unconditional context.
    """

    text: str
    lyrics: str
    frames: int
    before: int = 0
    beyond: int = 0
    plain_text: str = ""
    negative_text: str = ""

    @property
    def window(self) -> int:
        """Number of latent frames that are denoised for the section, including those before and after it."""
        return self.before + self.frames + self.beyond


@dataclass(frozen=True, slots=True)
class GuidanceSpec:
    """Guidance of a song: its scale, and the range of progress from noise to data (0 to 1) in which guidance acts."""

    scale: float
    start: float = 0.0
    end: float = 1.0

    @property
    def on(self) -> bool:
        """True if guidance changes the velocity in any denoising step."""
        return self.scale > 1.0


@dataclass(frozen=True, slots=True)
class AdapterSpec:
    """The name of a LoRA adapter, and the strength with which the adapter is applied."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class GenerationSpec:
    """All parameters of a song, with every default filled in.

    `shift` is that of the noise schedule (see `schedule.times`). `task` is the task of the request, and `model_task`
    the model's task and instruction for it. `left` is the number of latent frames to be generated before a recording
    that is extended. The first `skipped` of the `steps` denoising steps are left out. `reference` is a recording whose
    timbre the song imitates. Of the frames denoised beyond a section's end, the first `settled` are final; the decoder
    needs these frames to decode the end of the section.
    """

    sections: tuple[SectionSpec, ...]
    seed: int
    steps: int
    shift: float
    guidance: GuidanceSpec
    model_task: ModelTask = field(default_factory=TextToMusic)
    task: Task | None = None
    left: int = 0
    skipped: int = 0
    adapter: AdapterSpec | None = None
    reference: bytes = field(default=b"", repr=False)
    settled: int = 0

    @property
    def second_seed(self) -> int:
        """Seed of the second noise, which tasks such as a variation (`Retake`) add to the noise of the song's seed."""
        return second_seed(self.seed, self.task)

    @property
    def strength(self) -> float:
        """Degree to which a cover follows its source, 0 to 1; always 1 for other tasks."""
        return self.model_task.strength if isinstance(self.model_task, Cover) else 1.0

    def section_seed(self, index: int) -> int:
        """Return the random seed of the noise of section `index`."""
        return section_seed(self.seed, index)


def surroundings(frames: Sequence[int], settled: int) -> list[tuple[int, int]]:
    """Return, for each section of a song, the numbers of additional latent frames before and after it that are denoised
    with the section. `frames` are the sections' own numbers of frames; `settled` is the number of final frames beyond a
    section's end (see `GenerationSpec`).
    """
    starts = [sum(frames[:index]) for index in range(len(frames))]
    beyond = [settled + OVERLAP_FRAMES] * (len(frames) - 1) + [0]
    return [(min(CONTEXT_FRAMES, start), after) for start, after in zip(starts, beyond, strict=True)]
