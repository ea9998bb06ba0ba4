"""Songs to measure with, and the places where a part reaches into the engine."""

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
"""So few that the first step is in the middle of the song, where guidance is on."""

UNGUIDED = 1.0
"""The scale at which guidance is off."""


def opened(setup: Setup, **options: object) -> AceStepEngine:
    """The engine of this size on the device; `options` are its settings."""
    torch.set_num_threads(setup.pick(torch.get_num_threads(), 1))
    return load(setup.device, small=setup.small, **options)


def asked(seconds: float, tokens: int = 0, **fields: object) -> SongParams:
    """A song; its lyrics have about `tokens` tokens, 25 to a line."""
    lyrics = "[verse]\n" + f"{LINE}\n" * max(1, tokens // 25)
    given = {"seed": 1, "steps": GUIDED_STEPS, "language": "en", "duration_seconds": seconds} | fields
    return SongParams(**{"prompt": PROMPT, "lyrics": lyrics} | given)  # type: ignore[arg-type]


def begun(engine: AceStepEngine, params: SongParams) -> State:
    """The first section of a song, with conditions of its own, before its first step."""
    plan = engine.plan(params)
    return cast(State, engine.begin(plan, 0, engine.prepare(plan, 0), None))


def finish(engine: AceStepEngine, *states: SectionState) -> None:
    """Denoise to the end, together."""
    while left := [state for state in states if state.step < state.steps]:
        engine.denoise(left)


def latents(state: SectionState) -> torch.Tensor:
    """The latents of a section as they are now, [1, 8, 16, frames]."""
    return cast(State, state).trajectory.latents


def rows(states: Sequence[SectionState]) -> list[Row]:
    """The rows that the next step of the sections evaluates."""
    return [row for state in states for row in cast(State, state).trajectory.rows()]


def forward(engine: AceStepEngine) -> BatchedForward:
    """The engine's forward pass over rows."""
    return engine._forward


@torch.no_grad()
def evaluate(engine: AceStepEngine, evaluated: Sequence[Row]) -> list[torch.Tensor]:
    """The velocities of rows, as the engine finds them in a step."""
    return engine._forward(evaluated)


def transformer(engine: AceStepEngine) -> Transformer:
    """The engine's denoiser."""
    return engine._networks.transformer


def vocoder(engine: AceStepEngine) -> Vocoder:
    """The engine's vocoder."""
    return engine._networks.codec.vocoder


def mel(engine: AceStepEngine, section: torch.Tensor) -> torch.Tensor:
    """The mel frames of latents."""
    return engine._networks.codec.mel(section)


def networks(engine: AceStepEngine) -> dict[str, torch.nn.Module]:
    """The engine's networks by name."""
    parts = engine._networks
    return {
        "transformer": parts.transformer,
        "autoencoder": parts.codec.autoencoder,
        "vocoder": parts.codec.vocoder,
        "text encoder": parts.text_encoder.model,
    }


def sound(engine: AceStepEngine, state: SectionState) -> Window:
    """All windows of a finished section, [2, samples]."""
    return np.concatenate(list(engine.render(state)), axis=1)
