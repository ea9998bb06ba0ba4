"""An engine that repeats recorded sound at 48 kHz at almost no cost, so that only the server without a model is
measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks.service.bench_sound_path import SOURCE_RATE_HERTZ, band
from benchmarks.service.pretend import PretendConditions, PretendEngine, PretendState
from model.engine import EngineInfo, SectionConditions, SectionContext, SectionState
from model.song import SectionKind, SectionPlan, SongParams, SongPlan, Window

SECTION_SECONDS, WINDOW_SECONDS = 10.0, 1.0
SONG_SECONDS = 120.0


@cache
def tape() -> tuple[Window, ...]:
    """Return the recorded windows of a section."""
    sound = band(SOURCE_RATE_HERTZ)[:, : round(SECTION_SECONDS * SOURCE_RATE_HERTZ)]
    return tuple(np.split(sound, round(SECTION_SECONDS / WINDOW_SECONDS), axis=1))


class TapeEngine(PretendEngine):
    """An engine that repeats the same recorded sound in every section."""

    @classmethod
    def load(cls, device: str) -> "TapeEngine":
        """Return the engine with the recorded sound that all sections repeat."""
        tape()
        return cls()

    def info(self) -> EngineInfo:
        """Return the properties of the simulated engine, at 48 kHz."""
        return replace(super().info(), name="tape", sample_rate_hertz=SOURCE_RATE_HERTZ)

    def plan(self, params: SongParams) -> SongPlan:
        """Plan a song in sections of ten seconds, with one denoising step each."""
        sections = tuple(
            SectionPlan(index, SectionKind.VERSE, "", index * SECTION_SECONDS, SECTION_SECONDS)
            for index in range(round(SONG_SECONDS / SECTION_SECONDS))
        )
        return SongPlan("tape", params.seed, 1, 1.0, SONG_SECONDS, sections)

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Return the conditions of a section with one denoising step."""
        return PretendConditions(steps=1)

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> PretendState:
        """Return the state of a section with one step to do."""
        return PretendState(steps=1)

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance the states of the sections by one step, without computing anything."""
        for state in states:
            assert isinstance(state, PretendState)
            state.step += 1

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the same windows for every section."""
        yield from tape()
