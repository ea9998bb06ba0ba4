"""Warms up the engine with one short song before the first request."""

import logging

import torch

from model.engine import Engine
from model.song import SongParams

_log = logging.getLogger(__name__)

_SONG = SongParams("pop", "[verse]\nla la la la", seed=0, duration_seconds=10.0, steps=2)
"""The shortest song with both a guided and an unguided step."""


def warm_up(engine: Engine) -> None:
    """Make ten seconds of music through all stages of a song: kernels and libraries are loaded at first use."""
    plan = engine.plan(_SONG)
    state = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    while state.step < state.steps:
        engine.denoise([state])
    engine.context(state)
    for _window in engine.render(state):
        pass


def timed_warm_up(engine: Engine, device: torch.device) -> None:
    """Warm up the engine on the CUDA device `device`, and log the seconds, by the clock of the device."""
    stream = torch.cuda.current_stream(device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record(stream)
    warm_up(engine)
    end.record(stream)
    end.synchronize()
    _log.info(
        "the engine ACE-Step has warmed up by making ten seconds of music in %.1f s", start.elapsed_time(end) / 1000.0
    )
