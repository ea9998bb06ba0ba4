"""Generates a short song with a diffusion engine before the first request, so that kernels and libraries are loaded."""

import logging

import torch

from model.engine import Engine
from model.song import SongParams

_log = logging.getLogger(__name__)

_SONG = SongParams("pop", "[verse]\nla la la la", seed=0, duration_seconds=10.0, steps=2)
"""Request for the shortest song that has a guided and an unguided step."""


def warm_up(engine: Engine) -> None:
    """Plan, prepare, denoise and render ten seconds of music, so that kernels and libraries are loaded before the first
    request.
    """
    plan = engine.plan(_SONG)
    state = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    while state.step < state.steps:
        engine.denoise([state])
    engine.context(state)
    for _window in engine.render(state):
        pass


def timed_warm_up(engine: Engine, device: torch.device, model: str) -> None:
    """Generate a short song with the engine on the CUDA device `device`, and log the duration in seconds. `model` is
    the engine's name in the log.
    """
    stream = torch.cuda.current_stream(device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record(stream)
    warm_up(engine)
    end.record(stream)
    end.synchronize()
    _log.info(
        "the engine %s has warmed up by making ten seconds of music in %.1f s", model, start.elapsed_time(end) / 1000.0
    )
