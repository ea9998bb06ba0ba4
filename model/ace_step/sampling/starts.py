"""Creates the denoising trajectory of a section, depending on the task. Noise is drawn in the same order as in the
released pipeline.
"""

import math

import torch
from torch.nn import functional as F

from model.ace_step.frames import frames_of
from model.ace_step.options import Sampler
from model.ace_step.sampling.generation_spec import GenerationSpec, edit_range
from model.ace_step.sampling.guided_velocity import Guidance
from model.ace_step.sampling.noise import Noise, Noises
from model.ace_step.sampling.samplers import Euler, Heun, PingPong, Solver
from model.ace_step.sampling.schedule import SHIFT, sigmas
from model.ace_step.sampling.states import LOOKAHEAD_FRAMES, Conditions, Context
from model.ace_step.sampling.trajectories import EditTrajectory, RepaintTrajectory, SamplerTrajectory, Trajectory
from model.shared.sampling.flow import mixed, noised, shifted
from model.shared.tasks import skipped_steps
from model.tasks import AudioToAudio, Edit, Extend, Repaint, Retake


def kept_steps(steps: int, strength: float) -> int:
    """Return the number of denoising steps, at least 1, that are left of `steps` if the song starts from a noised
    reference recording; `strength`, 0 to 1, is the influence of the recording.
    """
    return max(1, int((1.0 - strength) * steps))


def evaluation_count(spec: GenerationSpec, index: int) -> int:
    """Return the number of model evaluations that the trajectory of section `index` will need, before the trajectory is
    created.
    """
    steps = spec.steps
    match spec.task:
        case AudioToAudio(strength=strength):
            steps = kept_steps(steps, strength)
        case Repaint(variance=variance):
            return steps - skipped_steps(steps, variance)
        case Extend():
            return steps
        case Edit(averages=averages) as task:
            first, last = edit_range(task, steps)
            return (last - first) * averages + steps - last
    return 2 * steps - 1 if spec.sampler is Sampler.HEUN and index == 0 else steps


def whole(spec: GenerationSpec, conditions: Conditions, noises: Noises) -> Trajectory:
    """Return the trajectory of a song that is denoised as one section. `noises` returns the noise generator
    for a seed.
    """
    noise = noises(spec.seed)
    if conditions.source is not None:
        return _from_source(spec, conditions, conditions.source, noises)
    start = noise.draw(spec.frames[0])
    if isinstance(spec.task, Retake):
        start = mixed(start, noises(spec.second_seed).draw(spec.frames[0]), spec.task.variance)
    sampler = _solver(spec, sigmas(spec.steps), noise)
    return SamplerTrajectory(start, sampler, _guidance(spec, conditions))


def _from_source(spec: GenerationSpec, conditions: Conditions, source: torch.Tensor, noises: Noises) -> Trajectory:
    base = noises(spec.seed)
    start = base.draw(source.shape[-1])
    match spec.task:
        case AudioToAudio() as task:
            return _follow(spec, conditions, task, source, start, base)
        case Repaint() as task:
            return _repaint(spec, conditions, task, source, start, noises(spec.second_seed))
        case Extend() as task:
            return _extend(spec, conditions, task, source, start, noises(spec.second_seed))
        case Edit() as task:
            return _edit(spec, conditions, task, source, noises(spec.second_seed))
    raise AssertionError("a request has a recording but no task. This is a bug: please report it")


def _follow(
    spec: GenerationSpec, conditions: Conditions, task: AudioToAudio, source: torch.Tensor, start: torch.Tensor,
    noise: Noise,
) -> Trajectory:  # fmt: skip
    steps = kept_steps(spec.steps, task.strength)
    # The level of the initial noise is shifted once, the levels of the schedule twice, as in the released pipeline.
    level = shifted(1.0 - task.strength, SHIFT)
    latents = noised(source, start, level)
    levels = sigmas(steps, 1.0 - task.strength)
    return SamplerTrajectory(latents, _solver(spec, levels, noise), _guidance(spec, conditions, steps))


def _repaint(
    spec: GenerationSpec, conditions: Conditions, task: Repaint, source: torch.Tensor, start: torch.Tensor,
    second: Noise,
) -> Trajectory:  # fmt: skip
    frames = source.shape[-1]
    inside = torch.zeros(frames, device=source.device)
    inside[frames_of(task.start_seconds) : frames_of(task.end_seconds)] = 1.0
    start = torch.where(inside > 0, mixed(start, second.draw(frames), task.variance), start)
    skipped = skipped_steps(spec.steps, task.variance)
    return RepaintTrajectory(source, start, inside, sigmas(spec.steps), skipped, _guidance(spec, conditions))


def _extend(
    spec: GenerationSpec, conditions: Conditions, task: Extend, source: torch.Tensor, start: torch.Tensor,
    second: Noise,
) -> Trajectory:  # fmt: skip
    frames = source.shape[-1]
    left = frames_of(task.left_seconds)
    right = spec.frames[0] - left - frames
    rounds = max(1, math.ceil(max(left, right) / frames))
    fresh = torch.cat([second.draw(frames) for _ in range(rounds)], dim=-1)
    start = torch.cat([fresh[..., :left], start, fresh[..., fresh.shape[-1] - right :]], dim=-1)
    inside = F.pad(torch.zeros(frames, device=source.device), (left, right), value=1.0)
    padded = F.pad(source, (left, right))
    return RepaintTrajectory(padded, start, inside, sigmas(spec.steps), 0, _guidance(spec, conditions))


def _edit(spec: GenerationSpec, conditions: Conditions, task: Edit, source: torch.Tensor, second: Noise) -> Trajectory:
    assert conditions.target is not None
    contexts = (conditions.contexts, conditions.target)
    between = edit_range(task, spec.steps)
    return EditTrajectory(
        source, sigmas(spec.steps), between, task.averages, contexts, spec.guidance.scale,
        lambda step: second.draw_for(step, source.shape),
    )  # fmt: skip


def first_section(spec: GenerationSpec, conditions: Conditions, noises: Noises) -> Trajectory:
    """Return the trajectory of the first of several sections; `LOOKAHEAD_FRAMES` frames after the section's end are
    denoised, too. `noises` returns the noise generator for a seed.
    """
    noise = noises(spec.section_seed(0))
    start = noise.draw(_with_lookahead(spec, 0))
    return SamplerTrajectory(start, _solver(spec, sigmas(spec.steps), noise), _guidance(spec, conditions))


def next_section(
    spec: GenerationSpec, index: int, conditions: Conditions, before: Context, noises: Noises
) -> Trajectory:
    """Return the trajectory of a later section: its frames are denoised together with the last latents of the previous
    section (`before`), which stay fixed. `noises` returns the noise generator for a seed.

    The frames after the end of the previous section, which were denoised together with that section, are crossfaded
    with the frames of this section.
    """
    noise = noises(spec.section_seed(index))
    tail, beyond, new = before.tail.shape[-1], before.beyond.shape[-1], _with_lookahead(spec, index)
    device = before.tail.device
    ramp = torch.arange(1, beyond + 1, device=device) / (beyond + 1)
    inside = torch.cat([torch.zeros(tail, device=device), ramp, torch.ones(new - beyond, device=device)])
    source = F.pad(torch.cat([before.tail, before.beyond], dim=-1), (0, new - beyond))
    start = noise.draw(tail + new)
    return RepaintTrajectory(source, start, inside, sigmas(spec.steps), 0, _guidance(spec, conditions))


def _with_lookahead(spec: GenerationSpec, index: int) -> int:
    last = index == len(spec.frames) - 1
    return spec.frames[index] + (0 if last else LOOKAHEAD_FRAMES)


def _guidance(spec: GenerationSpec, conditions: Conditions, steps: int | None = None) -> Guidance:
    return Guidance(spec.guidance, conditions.contexts, spec.steps if steps is None else steps)


def _solver(spec: GenerationSpec, levels: torch.Tensor, noise: Noise) -> Solver:
    match spec.sampler:
        case Sampler.EULER:
            return Euler(levels, spec.omega)
        case Sampler.HEUN:
            return Heun(levels, spec.omega)
        case Sampler.PINGPONG:
            return PingPong(levels, noise)
