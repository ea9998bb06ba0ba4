"""Requests for songs of ACE-Step on its tiny checkpoint, and functions that make the songs without a server."""

import io

import numpy as np
import soundfile

from model.ace_step.engine import AceStepEngine
from model.ace_step.sampling.states import State
from model.engine import SectionState
from model.song import SongParams

LYRICS = "[verse]\n春天醒来花就开\n[chorus]\n我要飞向那片海"


def params(seconds: float | None = 18.0, **fields: object) -> SongParams:
    return SongParams("pop", LYRICS, 1, seconds, **{"steps": 3} | fields)  # type: ignore[arg-type]


def begun(engine: AceStepEngine, asked: SongParams) -> State:
    plan = engine.plan(asked)
    state = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    assert isinstance(state, State)
    return state


def finish(engine: AceStepEngine, *states: SectionState) -> None:
    while pending := [state for state in states if state.step < state.steps]:
        engine.denoise(pending)


def rendered(engine: AceStepEngine, state: SectionState) -> np.ndarray:
    """Return the sound of a finished section, shape [2, samples]."""
    return np.concatenate(list(engine.render(state)), axis=1)


def recording(seconds: float = 11.0, channels: int = 2, rate: int = 44_100) -> bytes:
    times = np.arange(int(seconds * rate)) / rate
    file = io.BytesIO()
    soundfile.write(file, np.stack([0.3 * np.sin(2 * np.pi * 330 * times)] * channels, axis=1), rate, format="WAV")
    return file.getvalue()
