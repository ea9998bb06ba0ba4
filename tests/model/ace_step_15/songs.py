"""Functions that make songs for the tests in this folder."""

import io
from typing import Any

import numpy as np
import soundfile

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.planning.spec import GenerationSpec
from model.ace_step_15.states import State
from model.engine import SectionContext
from model.song import SongParams

LYRICS = "[Verse 1]\n春天醒来花就开\n[副歌]\nla la la"
RATE = 48_000


def recording(seconds: float = 2.0, pitch: float = 220.0) -> bytes:
    """Return a WAV file with a sine tone of `pitch` hertz."""
    times = np.arange(round(seconds * RATE)) / RATE
    file = io.BytesIO()
    soundfile.write(file, 0.2 * np.sin(2 * np.pi * pitch * times), RATE, format="WAV")
    return file.getvalue()


def params(seconds: float | None = 10.0, **fields: Any) -> SongParams:
    """Return the parameters of a short song with few denoising steps; `fields` replace some of them."""
    usual: dict[str, Any] = {"prompt": "pop", "lyrics": LYRICS, "seed": 1, "steps": 3, "duration_seconds": seconds}
    return SongParams(**usual | fields)


def begun(engine: AceStep15Engine, asked: SongParams, index: int = 0, context: SectionContext | None = None) -> State:
    """Return the state, before its first step, of section `index` of the song with the parameters `asked`. `context` is
    that of the previous section.
    """
    plan = engine.plan(asked)
    state = engine.begin(plan, index, engine.prepare(plan, index), context)
    assert isinstance(state, State)
    return state


def finish(engine: AceStep15Engine, *states: State) -> None:
    """Denoise several sections together, each until it is finished."""
    while pending := [state for state in states if state.step < state.steps]:
        engine.denoise(pending)


def made(engine: AceStep15Engine, asked: SongParams) -> State:
    """Return the state of the first section of the song with the parameters `asked`, after its last step."""
    state = begun(engine, asked)
    finish(engine, state)
    return state


def spec_of(engine: AceStep15Engine, asked: SongParams) -> GenerationSpec:
    """Return the engine's specification of the song with the parameters `asked`, taken from the song's plan."""
    spec = engine.plan(asked).detail
    assert isinstance(spec, GenerationSpec)
    return spec
