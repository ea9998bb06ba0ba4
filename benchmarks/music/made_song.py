"""Makes a whole song with an engine, section by section."""

import time
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.engine import Engine, SectionContext
from model.song import SectionScore, SongParams, SongPlan

RATE_HERTZ = 48_000

Sound: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Made:
    """A song that `make` has made: its plan, its sound, the score of each section, and the CPU seconds that it took."""

    plan: SongPlan
    sound: Sound
    scores: tuple[SectionScore, ...]
    cpu_seconds: float


def make(engine: Engine, params: SongParams) -> Made:
    """Make a whole song with an engine, section by section."""
    started = time.process_time()
    plan = engine.plan(params)
    context: SectionContext | None = None
    windows, scores = [], []
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        while state.step < state.steps:
            engine.denoise([state])
        scores.append(engine.score(state))
        windows += list(engine.render(state))
        context = engine.context(state)
    return Made(plan, np.concatenate(windows, axis=1), tuple(scores), time.process_time() - started)
