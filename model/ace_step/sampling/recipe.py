"""What a song is made by: everything that a request decides, with nothing left open."""

from dataclasses import dataclass
from typing import TypeAlias

from model.ace_step.options import Sampler
from model.ace_step.sampling.guided_velocity import GuidanceParams
from model.song import AudioToAudio, Edit, Extend, Repaint, Retake, Task

RELEASED_OMEGA = 10.0
_SEEDS = 2**32
_GOLDEN = 0x9E3779B9


Words: TypeAlias = tuple[int, ...]
"""What is sung: the ids of the lyric tokenizer; empty for an instrumental."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A song's plan as the engine keeps it. `frames` and `words` have an entry for each section."""

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
        """The seed of section `index`; the first has the song's own."""
        return (self.seed + index * _GOLDEN) % _SEEDS

    @property
    def second_seed(self) -> int:
        """The seed of the noise that a task mixes in."""
        own = None if isinstance(self.task, AudioToAudio | None) else self.task.seed
        return self.seed ^ _GOLDEN if own is None else own


def task_field(task: Task) -> str:
    """The name of the task's field in the public contract."""
    return {
        AudioToAudio: "audio_to_audio",
        Retake: "retake",
        Repaint: "repaint",
        Extend: "extend",
        Edit: "edit",
    }[type(task)]
