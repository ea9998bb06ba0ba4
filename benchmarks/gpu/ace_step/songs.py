"""Makes songs for measurements, and gives access to the engine's internal parts."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from benchmarks.gpu.ace_step.random_engine import load
from benchmarks.gpu.figures import Setup
from model.ace_step.engine import AceStepEngine
from model.ace_step.networks.transformer import Transformer
from model.ace_step.networks.vocoder import Vocoder
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.states import State
from model.ace_step.sampling.trajectories import Row
from model.engine import SectionState
from model.song import SongParams, Window

PROMPT = "melodic pop, piano"
LINE = "la la la la la la la la"
GUIDED_STEPS = 3
"""A number of denoising steps so small that the first is in the middle of all steps, where guidance is on."""

UNGUIDED = 1.0
"""Guidance scale at which classifier-free guidance is off."""


def opened(setup: Setup, **options: object) -> AceStepEngine:
    """Load the engine onto the measured device, at the measured size; `options` are its settings."""
    torch.set_num_threads(setup.pick(torch.get_num_threads(), 1))
    return load(setup.device, small=setup.small, **options)


def asked(seconds: float, tokens: int = 0, **fields: object) -> SongParams:
    """Return the request parameters of a song of `seconds` whose lyrics have about `tokens` tokens, 25 per line;
    `fields` are further parameters.
    """
    lyrics = "[verse]\n" + f"{LINE}\n" * max(1, tokens // 25)
    given = {"seed": 1, "steps": GUIDED_STEPS, "language": "en", "duration_seconds": seconds} | fields
    return SongParams(**{"prompt": PROMPT, "lyrics": lyrics} | given)  # type: ignore[arg-type]


def begun(engine: AceStepEngine, params: SongParams) -> State:
    """Return the state of a song's first section before its first step; its conditions are computed anew, not shared
    with another song.
    """
    plan = engine.plan(params)
    return cast(State, engine.begin(plan, 0, engine.prepare(plan, 0), None))


def finish(engine: AceStepEngine, *states: SectionState) -> None:
    """Denoise several sections to their end in one batch."""
    while left := [state for state in states if state.step < state.steps]:
        engine.denoise(left)


def latents(state: SectionState) -> torch.Tensor:
    """Return the present latents of a section, [1, 8, 16, frames]."""
    return cast(State, state).trajectory.latents


def rows(states: Sequence[SectionState]) -> list[Row]:
    """Return the batch rows that the transformer evaluates in the next denoising step of the sections."""
    return [row for state in states for row in cast(State, state).trajectory.rows()]


def forward(engine: AceStepEngine) -> BatchedForward:
    """Return the engine's object that computes forward passes."""
    return engine._forward


@torch.no_grad()
def evaluate(engine: AceStepEngine, evaluated: Sequence[Row]) -> list[torch.Tensor]:
    """Return the velocities of rows, as the engine computes them in a step."""
    return engine._forward(evaluated)


def transformer(engine: AceStepEngine) -> Transformer:
    """Return the network that denoises latents."""
    return engine._networks.transformer


def vocoder(engine: AceStepEngine) -> Vocoder:
    """Return the network that converts mel frames to sound."""
    return engine._networks.codec.vocoder


def mel(engine: AceStepEngine, section: torch.Tensor) -> torch.Tensor:
    """Decode latents to mel frames."""
    return engine._networks.codec.mel(section)


def networks(engine: AceStepEngine) -> dict[str, torch.nn.Module]:
    """Return the neural networks of the engine by name."""
    parts = engine._networks
    return {
        "transformer": parts.transformer,
        "autoencoder": parts.codec.autoencoder,
        "vocoder": parts.codec.vocoder,
        "text encoder": parts.text_encoder.model,
    }


def sound(engine: AceStepEngine, state: SectionState) -> Window:
    """Return all windows of a finished section, [2, samples]."""
    return np.concatenate(list(engine.render(state)), axis=1)
