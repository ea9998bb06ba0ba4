"""Specification of a song: all parameters of a request, with nothing left open. The module is free of torch."""

from dataclasses import dataclass

from model.ace_step_15.tasks import ModelTask
from model.shared.tasks import second_seed
from model.song import Task


@dataclass(frozen=True, slots=True)
class GenerationSpec:
    """A song's plan as the engine keeps it.

    `text` and `lyrics` are what the encoders read; `plain_text` is the text without a task, for a cover. `frames` are
    the song's latent frames, and `left` those of them before a recording that is extended. The first `skipped` of
    `steps` are left out.
    """

    text: str
    plain_text: str
    lyrics: str
    frames: int
    seed: int
    steps: int
    shift: float
    guidance: float
    model_task: ModelTask
    task: Task | None = None
    left: int = 0
    skipped: int = 0

    @property
    def second_seed(self) -> int:
        """The seed of the noise that a task mixes in."""
        return second_seed(self.seed, self.task)
