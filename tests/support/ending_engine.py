"""A fake engine of a token model: it makes the frames of a section first, then their sound. Sections and songs end at
random frames, before their planned ends.
"""

import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from model.engine import EngineInfo, SectionConditions, SectionContext, SectionState
from model.song import (
    ChordSpan,
    SectionKind,
    SectionPlan,
    SectionScore,
    SongParams,
    SongPlan,
    SyllableTiming,
    Window,
)
from tests.support.fakes import LA, FakeConditions, FakeContext, FakeEngine

RATE_HERTZ = 32_000
FRAME_SAMPLES = 3_200
SECTION_FRAMES = 40
SECTION_SECONDS = SECTION_FRAMES * FRAME_SAMPLES / RATE_HERTZ
FRAMES_PER_STEP = 4
SOUND_STEPS = 2
"""Number of steps of the second phase, which makes sound from the frames."""
TOKENS, SOUND = "tokens", "sound"


def steps_for(frames: int) -> int:
    """Return the number of steps that make a section of `frames` frames, both phases (tokens and sound) together."""
    return -(-frames // FRAMES_PER_STEP) + SOUND_STEPS


@dataclass(slots=True)
class EndingState:
    """The state of a section that ends after `end` frames; if `last` is True, the song ends with this section."""

    start_seconds: float
    end: int
    last: bool
    noise: np.random.Generator
    level: float
    slow: bool = False
    step: int = 0
    steps: int = steps_for(SECTION_FRAMES)

    @property
    def group(self) -> str:
        return SOUND if self.step >= self.steps - SOUND_STEPS else TOKENS

    @property
    def ends_song(self) -> bool:
        return self.last and self.step == self.steps

    def advance(self) -> None:
        self.level = 0.5 * self.level + 0.1 * float(self.noise.random())
        self.step += 1
        if self.step * FRAMES_PER_STEP >= self.end:
            self.steps = steps_for(self.end)


class EndingEngine:
    """A fake engine for mono sound at 32 kHz without denoising steps. Steps of a song with the prompt "slow" take
    longer.
    """

    @classmethod
    def load(cls, device: str) -> "EndingEngine":
        return cls()

    def info(self) -> EngineInfo:
        return replace(
            FakeEngine().info(),
            name="ending",
            sample_rate_hertz=RATE_HERTZ,
            channels=1,
            duration_seconds=(3.0, 600.0),
            steps=None,
            default_steps=None,
            controls=frozenset(),
            voices=frozenset(),
            length_is_exact=False,
        )

    def plan(self, params: SongParams) -> SongPlan:
        count = max(1, round((params.duration_seconds or 3 * SECTION_SECONDS) / SECTION_SECONDS))
        starts = [index * SECTION_SECONDS for index in range(count)]
        sections = tuple(
            SectionPlan(index, SectionKind.VERSE, f"verse {index + 1}", start, SECTION_SECONDS, lines=(LA,))
            for index, start in enumerate(starts)
        )
        return SongPlan("ending", params.seed, None, 3.0, count * SECTION_SECONDS, sections, detail=params)

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        return FakeConditions(steps_for(SECTION_FRAMES), group=TOKENS)

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> EndingState:
        assert isinstance(plan.detail, SongParams)
        assert (context is None) == (index == 0)
        noise = np.random.default_rng([plan.seed, index])
        level = 0.1 if context is None else cast(FakeContext, context).level
        end = int(noise.integers(SECTION_FRAMES // 4, SECTION_FRAMES))
        return EndingState(
            plan.sections[index].start_seconds, end, index == last_of(plan), noise, level, plan.detail.prompt == "slow"
        )

    def denoise(self, states: Sequence[SectionState]) -> None:
        given = [cast(EndingState, state) for state in states]
        mixed = len({state.group for state in given}) > 1  # which spoils the sound: an error would be tried again alone
        if any(state.slow for state in given):
            time.sleep(0.02)
        for state in given:
            state.level += mixed
            state.advance()

    def context(self, state: SectionState) -> SectionContext:
        return FakeContext(cast(EndingState, state).level)

    def score(self, state: SectionState) -> SectionScore:
        given = cast(EndingState, state)
        start, end = given.start_seconds, given.start_seconds + given.end * FRAME_SAMPLES / RATE_HERTZ
        return SectionScore((SyllableTiming(0, 0, "la", start, end),), b"MThd", (ChordSpan("C", start, end),))

    def render(self, state: SectionState) -> Iterator[Window]:
        given = cast(EndingState, state)
        for first in range(0, given.end, 5):
            count = min(5, given.end - first) * FRAME_SAMPLES
            yield (given.level * given.noise.standard_normal((1, count))).astype(np.float32)

    def save(self, state: SectionState) -> bytes:
        return pickle.dumps(cast(EndingState, state).level)

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        return FakeContext(pickle.loads(saved))

    def save_section(self, state: SectionState) -> bytes:
        assert state.step == state.steps
        return pickle.dumps(state)

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> EndingState:
        assert (context is None) == (index == 0)
        return cast(EndingState, pickle.loads(saved))

    def check(self) -> None:
        """Do nothing, because the engine runs on the processor."""


def last_of(plan: SongPlan) -> int:
    """Return the index of the section with which the engine ends the song; if several sections are planned, it is not
    the last one of them.
    """
    return int(np.random.default_rng(plan.seed).integers(0, max(1, len(plan.sections) - 1)))
