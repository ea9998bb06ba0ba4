"""Makes songs with any engine, through the methods of the engine protocol only."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from model.engine import Engine, SectionContext, SectionState
from model.song import SectionScore, SongParams, SongPlan

STEPS = {"exact": 4, "ending": None, "studio": 10, "ace_step": 3, "ace_step_15": 3, "musicgen": None}
"""Number of denoising steps in tests, by engine: as few as possible, but enough that an error in a step affects the
next; `None` for engines that do not denoise.
"""
SECONDS = {
    "exact": 6.0, "ending": 24.0, "studio": 12.0, "ace_step": 18.0, "ace_step_15": 18.0, "musicgen": 12.0,
}  # fmt: skip
"""Length of songs in tests, in seconds, by engine; long enough for several sections."""
LYRICS = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃"


def planned(engine: Engine, seed: int = 1, duration_seconds: float | None = None, **changes: Any) -> SongPlan:
    """Return the plan of a song by `engine`, with a fixed prompt, lyrics and number of steps, so long that it has
    several sections; `duration_seconds` and other parameters in `changes` replace the fixed ones.
    """
    name = engine.info().name
    seconds = duration_seconds or SECONDS[name]
    lyrics = LYRICS if name == "ending" or engine.info().languages else ""
    return engine.plan(SongParams("pop", lyrics, seed, seconds, steps=STEPS[name], **changes))


def finish(engine: Engine, states: Sequence[SectionState]) -> None:
    while pending := [state for state in states if state.step < state.steps]:
        for group in {state.group for state in pending}:
            engine.denoise([state for state in pending if state.group == group])


def make_song(engine: Engine, plan: SongPlan) -> list[np.ndarray]:
    return [sound for _, sound in made(engine, plan)]


def made(engine: Engine, plan: SongPlan) -> Iterator[tuple[SectionScore, np.ndarray]]:
    context: SectionContext | None = None
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        finish(engine, [state])
        yield engine.score(state), np.concatenate(list(engine.render(state)), axis=1)
        if state.ends_song:
            return
        context = engine.context(state)


def denoised_ahead(engine: Engine, plan: SongPlan, count: int) -> tuple[list[bytes], bytes]:
    """Denoise the first `count` sections without rendering them; return their saved states, and the saved context of
    the first section, which is rendered at the end.
    """
    saved: list[bytes] = []
    context: SectionContext | None = None
    first: SectionState | None = None
    for index in range(count):
        state = engine.begin(plan, index, engine.prepare(plan, index), context)
        finish(engine, [state])
        saved.append(engine.save_section(state))
        context, first = engine.context(state), first or state
    assert first is not None
    rendered(engine, first)
    return saved, engine.save(first)


def rendered(engine: Engine, state: SectionState) -> np.ndarray:
    engine.score(state)
    return np.concatenate(list(engine.render(state)), axis=1)
