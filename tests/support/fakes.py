"""Small fakes that implement the real protocols: an engine, an encoder, a clock and an outlet."""

import hashlib
import os
import pickle
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model.engine import EngineInfo, EngineUnavailable, SectionConditions, SectionContext, SectionState
from model.song import (
    ALL_STEMS,
    Control,
    InvalidParams,
    LyricLine,
    SectionKind,
    SectionPlan,
    SectionScore,
    SongParams,
    SongPlan,
    Syllable,
    SyllableTiming,
    Violation,
    Voice,
    Window,
)
from server.encoders.messages import EncoderSpec
from server.song import AudioSettings
from server.workers.worker_spec import EngineSpec

RATE_HERTZ = 8_000
SECTION_SECONDS = 2.0
WINDOW_SECONDS = 0.5
SECTION_COST = 10

LA = LyricLine("la", (Syllable("la", "l a"),))
"""The line of lyrics that the fake engine sings in every section."""

FAKE = EngineSpec("fake", "tests.support.fakes:FakeEngine")
FAKE_ENCODER = EncoderSpec("tests.support.fakes:FakeEncoder")
FRAGILE = EngineSpec("fake", "tests.support.fakes:FragileEngine")
MISSING = EngineSpec("missing", "tests.support.fakes:MissingEngine")


class ManualClock:
    """A clock whose time a test sets."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeOutlet:
    """A stand-in for the outlet of a song, which tells the scheduler if the song must pause (`full`), how much of its
    sound is not sent yet, and if it has a listener; a test sets the values.
    """

    full: bool = False
    unsent_seconds: float = 0.0
    has_listener: bool = True
    repeats: bool = False


@dataclass(slots=True)
class FakeState:
    """A stand-in for the denoising state of a section; the section's sound depends on its song's seed, its index and
    the section before it.
    """

    prompt: str
    index: int
    noise: np.random.Generator
    level: float
    steps: int
    step: int = 0
    group: str = ""
    ends_song: bool = False


@dataclass(frozen=True, slots=True)
class FakeConditions:
    """A stand-in for the conditions of a section (encoded prompt and lyrics), which has only their properties: number
    of denoising steps, cost of a step in tokens, length, memory in bytes, and the group of sections that share steps.
    """

    steps: int
    cost: int = SECTION_COST
    length: int = SECTION_COST
    memory_bytes: int = 1000
    group: str = ""


@dataclass(frozen=True, slots=True)
class FakeContext:
    """A stand-in for the musical context that a section passes to the next one."""

    level: float


class FakeEngine:
    """A fast engine for tests, whose sound is noise. The prompt of a song can select a fault.

    Faults: "invalid", "missing files", "no memory", "poison", "crash", "hang", "mono" (sound for no encoder).
    """

    @classmethod
    def load(cls, device: str) -> "FakeEngine":
        return cls()

    def info(self) -> EngineInfo:
        return EngineInfo(
            name="fake",
            description="Noise for tests.",
            languages=(),
            license="CC0-1.0",
            commercial_use_allowed=True,
            attribution="",
            sample_rate_hertz=RATE_HERTZ,
            channels=2,
            duration_seconds=(2.0, 240.0),
            steps=(1, 100),
            default_steps=4,
            guidance_scale=(1.0, 10.0),
            default_guidance_scale=3.0,
            controls=frozenset(Control),
            stems=ALL_STEMS,
            voices=frozenset({Voice.FEMALE}),
            length_is_exact=False,
        )

    def plan(self, params: SongParams) -> SongPlan:
        if params.prompt == "invalid":
            raise InvalidParams(Violation("lyrics", "cannot be sung"))
        if params.prompt == "missing files":
            raise EngineUnavailable("run `make voice`")
        count = round((params.duration_seconds or 2 * SECTION_SECONDS) / SECTION_SECONDS)
        sections = tuple(
            SectionPlan(index, SectionKind.VERSE, f"verse {index + 1}", index * SECTION_SECONDS, SECTION_SECONDS)
            for index in range(count)
        )
        steps = params.steps or self.info().default_steps
        return SongPlan("fake", params.seed, steps, 3.0, count * SECTION_SECONDS, sections, detail=params)

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        return FakeConditions(plan.denoising_steps)

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> FakeState:
        assert isinstance(plan.detail, SongParams)
        assert (context is None) == (index == 0)
        noise = np.random.default_rng([plan.seed, index])
        level = 0.1 if context is None else float(context.level)  # type: ignore[attr-defined]
        return FakeState(plan.detail.prompt, index, noise, level, conditions.steps)

    def denoise(self, states: Sequence[SectionState]) -> None:
        for state in states:
            assert isinstance(state, FakeState)
            self._cause_trouble(state.prompt)
        for state in states:
            assert isinstance(state, FakeState)
            state.level = 0.5 * state.level + 0.1 * float(state.noise.random())
            state.step += 1

    def context(self, state: SectionState) -> SectionContext:
        assert isinstance(state, FakeState)
        assert state.step == state.steps
        return FakeContext(state.level)

    def score(self, state: SectionState) -> SectionScore:
        return SectionScore((SyllableTiming(0, 0, "la", 0.0, 1.0),), b"MThd")

    def render(self, state: SectionState) -> Iterator[Window]:
        assert isinstance(state, FakeState)
        channels = 1 if state.prompt == "mono" else 2
        for _ in range(round(SECTION_SECONDS / WINDOW_SECONDS)):
            noise = state.noise.standard_normal((channels, round(WINDOW_SECONDS * RATE_HERTZ)))
            yield (state.level * noise).astype(np.float32)

    def save(self, state: SectionState) -> bytes:
        assert isinstance(state, FakeState)
        return struct.pack("d", state.level)

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        return FakeContext(*struct.unpack("d", saved))

    def save_section(self, state: SectionState) -> bytes:
        assert state.step == state.steps
        return pickle.dumps(state)

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        assert (context is None) == (index == 0)
        state = pickle.loads(saved)
        assert isinstance(state, FakeState)
        return state

    def check(self) -> None:
        """Do nothing, because the engine runs on the processor."""

    def crash(self) -> None:
        """End the worker process at once, with exit status 3."""
        os._exit(3)

    def _cause_trouble(self, prompt: str) -> None:
        match prompt:
            case "no memory":
                raise MemoryError("too large")
            case "poison":
                raise ValueError("a secret of ours")
            case "crash":
                self.crash()
            case "hang":
                threading.Event().wait()


class ExactEngine(FakeEngine):
    """The fake engine with exact song lengths in samples, and `steps` as its only control."""

    @classmethod
    def load(cls, device: str) -> "ExactEngine":
        return cls()

    def info(self) -> EngineInfo:
        return replace(
            super().info(),
            name="exact",
            duration_seconds=(3.0, 240.0),
            controls=frozenset({Control.STEPS}),
            voices=frozenset(),
            length_is_exact=True,
        )

    def plan(self, params: SongParams) -> SongPlan:
        plan = super().plan(params)
        sections = tuple(replace(section, lines=(LA,)) for section in plan.sections)
        return replace(
            plan, engine="exact", sections=sections, engine_samples=round(plan.duration_seconds * RATE_HERTZ)
        )


class FragileEngine(FakeEngine):
    """An engine that can be loaded until the file in the variable BROKEN exists."""

    @classmethod
    def load(cls, device: str) -> "FragileEngine":
        if Path(os.environ["BROKEN"]).exists():
            raise EngineUnavailable("mend it")
        return cls()


class MissingEngine:
    """An engine that cannot be loaded."""

    @classmethod
    def load(cls, device: str) -> FakeEngine:
        raise EngineUnavailable("run `make weights`")


class FakeEncoder:
    """An encoder for tests without resampling: each frame of 1152 samples is a hash of all samples so far, so that any
    changed sample shows; the sound is delayed by one frame.
    """

    samples_per_frame = 1152
    frame_bytes = 128

    def __init__(
        self,
        source_rate_hertz: int,
        audio: AudioSettings,
        *,
        tags: Mapping[str, str],
        sample_count: int | None = None,
    ) -> None:
        self.delay_samples = self.samples_per_frame
        self.stream_bytes: int | None = None
        self.sample_count = 0
        self.frames = 0
        self._digest = hashlib.sha256()

    def feed(self, window: Window) -> bytes:
        if window.shape[0] != 2:
            raise ValueError("a window that is not stereo")
        self.sample_count += window.shape[1]
        self._digest.update(np.ascontiguousarray(window.T).tobytes())
        return self._give_out(self.sample_count // self.samples_per_frame)

    def finish(self) -> bytes:
        return self._give_out((self.delay_samples + self.sample_count) // self.samples_per_frame + 1)

    def _give_out(self, frames: int) -> bytes:
        count, self.frames = frames - self.frames, frames
        return self._digest.digest() * (self.frame_bytes // 32) * count


def params(prompt: str = "", **changes: object) -> SongParams:
    """Return the parameters of a song with two sections, changed by `changes`, such as `duration_seconds`."""
    return replace(SongParams(prompt=prompt, lyrics="", seed=7), **changes)  # type: ignore[arg-type]
