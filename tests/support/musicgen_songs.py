"""Makes songs of MusicGen on its tiny checkpoints without a server, and defines the sizes of the released
musicgen-small.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from model.engine import SectionContext
from model.musicgen.engine import MusicGenEngine
from model.musicgen.networks.config import CodecConfig, DecoderConfig, ModelConfig
from model.musicgen.options import MusicGenOptions
from model.musicgen.planning.spec import GenerationSpec
from model.musicgen.states import State
from model.shared.networks.t5_config import T5Config
from model.song import SongParams, SongPlan
from model.tasks import Extend

RATE = 8_000
SMALL = ModelConfig(
    DecoderConfig(24, 1024, 16, 4096, 4, 2048, 1, attends_text=True),
    T5Config(32_128, 768, 64, 12, 3072, 12, 32, 128, 1e-6),
    CodecConfig(32_000, 64, 128, (8, 5, 4, 4), 4, 2048, 1, 7, 7, 3, 2, 2, 2, shortcut=False),
    None,
)
"""The sizes of the networks of musicgen-small."""


def audio(seconds: float = 4.0) -> bytes:
    times = np.arange(round(seconds * RATE)) / RATE
    file = io.BytesIO()
    soundfile.write(file, 0.2 * np.sin(2 * np.pi * 220.0 * times), RATE, format="WAV")
    return file.getvalue()


def params(seconds: float | None = 10.0, prompt: str = "pop", **fields: Any) -> SongParams:
    return SongParams(prompt, "", 1, seconds, **fields)


def spec_of(engine: MusicGenEngine, asked: SongParams) -> GenerationSpec:
    spec = engine.plan(asked).detail
    assert isinstance(spec, GenerationSpec)
    return spec


def song(engine: MusicGenEngine, plan: SongPlan, context: SectionContext | None = None, first: int = 0) -> bytes:
    """Return the sound of a song, as the bytes of its samples, from the section number `first` on; `context` is what
    this section gets from the section before it.
    """
    sound = b""
    for section in plan.sections[first:]:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        while state.step < state.steps:
            engine.denoise([state])
        sound += b"".join(window.tobytes() for window in engine.render(state))
        context = engine.context(state)
    return sound


ASKED: Sequence[SongParams] = (
    params(32.0),
    params(12.0, "a waltz", guidance_scale=1.0),
    params(9.0, "techno", options=MusicGenOptions(top_k=3, temperature=1.5)),
    params(None, task=Extend(audio(), right_seconds=20.0)),
    params(15.0, "jazz", guidance_scale=8.0),
)


def begun(engine: MusicGenEngine, plan: SongPlan, index: int, context: SectionContext | None) -> State:
    state = engine.begin(plan, index, engine.prepare(plan, index), context)
    assert isinstance(state, State)
    return state


def finish(engine: MusicGenEngine, state: State) -> None:
    while state.step < state.steps:
        engine.denoise([state])


def joined(engine: MusicGenEngine, plan: SongPlan) -> NDArray[np.float32]:
    context, sounds = None, []
    for section in plan.sections:
        state = begun(engine, plan, section.index, context)
        finish(engine, state)
        sounds += list(engine.render(state))
        context = engine.context(state)
    return np.concatenate(sounds, axis=1)
