"""Functions for tasks that start from a recording or need a second seed, shared by the diffusion engines. The module
does not import torch.
"""

from model.tasks import AudioToAudio, Complete, Edit, Extend, ExtractTrack, Lego, Repaint, Retake, Task

GOLDEN = 0x9E3779B9
"""Distance between seeds that are derived from one another: 2**32 divided by the golden ratio."""

_SEEDS = 1 << 32

_FIELDS = {
    AudioToAudio: "audio_to_audio",
    Retake: "retake",
    Repaint: "repaint",
    Extend: "extend",
    Edit: "edit",
    ExtractTrack: "extract_track",
    Lego: "lego",
    Complete: "complete",
}


def task_field(task: Task) -> str:
    """Return the name of the request field in music.proto that holds the task."""
    return _FIELDS[type(task)]


def second_seed(seed: int, task: Task | None) -> int:
    """Return the seed of the second noise that some tasks mix with the first noise of a song: the task's own seed,
    otherwise one derived from the song's `seed`.
    """
    own = task.seed if isinstance(task, Retake | Repaint | Extend | Edit) else None
    return seed ^ GOLDEN if own is None else own


def section_seed(seed: int, index: int) -> int:
    """Return the random seed of section `index` of a song; that of the first section is the song's seed."""
    return (seed + index * GOLDEN) % _SEEDS


def skipped_steps(steps: int, variance: float) -> int:
    """Return the number of denoising steps to skip at the noisy end, so that a song differs from its source by
    `variance`, 0 to 1; at least one step is left.
    """
    return min(steps - 1, int(steps * (1.0 - variance)))
