"""Measures the loudness of the last chorus relative to the first, before mastering."""

from collections.abc import Iterator

import numpy as np
import pyloudnorm

from model.engine import SectionContext
from model.song import SectionKind, SongParams
from model.studio.engine import StudioEngine
from model.studio.info import SAMPLE_RATE_HERTZ


def chorus_levels(engine: StudioEngine, params: SongParams) -> Iterator[float]:
    """Yield the loudness in LUFS of each sung chorus of a song."""
    plan = engine.plan(params)
    last = max((s.index for s in plan.sections if s.kind is SectionKind.CHORUS and s.lines), default=-1)
    context: SectionContext | None = None
    for section in plan.sections[: last + 1]:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        while state.step < state.steps:
            engine.denoise([state])
        sound = np.concatenate(list(engine.render(state)), axis=1)
        if section.kind is SectionKind.CHORUS and section.lines:
            yield float(pyloudnorm.Meter(SAMPLE_RATE_HERTZ).integrated_loudness(sound.T))
        context = engine.context(state)


def last_chorus_louder(engine: StudioEngine, params: SongParams) -> float:
    """Return how many LU the last sung chorus is louder than the first; `nan` if there are not two."""
    levels = list(chorus_levels(engine, params))
    return levels[-1] - levels[0] if len(levels) > 1 else float("nan")
