"""The interface between the server and an engine (a model family).

A song is planned into sections; a section is denoised step by step, together with sections of other songs, and then
rendered window by window. This module does not depend on transport, metrics, clocks or the environment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from model.song import Control, SectionScore, SongParams, SongPlan, Stem, Voice, Window


@dataclass(frozen=True, slots=True)
class Option:
    """Placeholder in a message for the name of an engine's setting, or of the parameter `device` of the engine's method
    `load`.

    The engine knows only the short name of the setting; the full name of the environment variable is inserted when the
    message is shown. If `short` is True, only the last part of the full name is inserted, for a message that has
    already given the full name of another setting of the same engine.
    """

    name: str
    short: bool = False

    @override
    def __str__(self) -> str:
        return repr(self.name)


class EngineUnavailable(RuntimeError):
    """The engine cannot be used, because files, packages or a device are missing; the text says what to do."""

    def __init__(self, *parts: str | Option) -> None:
        """Create the error; the strings and placeholders in `parts` are joined to its message."""
        super().__init__(*parts)
        self.parts = parts

    @override
    def __str__(self) -> str:
        return "".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Properties of an engine and limits of its requests; ranges are inclusive.

    An engine with empty `voices` accepts no choice of voice. `license` is an SPDX licence expression of the weights and
    data, or the name of the terms ("LicenseRef-...") if SPDX lists none; `license_urls` are web pages with the terms
    (`model.shared.licences`). `commercial_use_allowed` is `False` also if the terms of one part are unclear.
    `attribution` is the text that a product with the engine's songs must show, possibly empty. Every window of sound
    has `channels` channels, 1 or 2. `duration_seconds` lies within [3, 600]. `steps` and `default_steps` are `None` for
    an engine that does not denoise; such an engine cannot have the control STEPS. If `length_is_exact` is True, every
    plan has `SongPlan.engine_samples`; otherwise a song may be shorter than its plan (`SectionState.ends_song`).
    `experimental_languages` are the languages of `languages` in which listeners understand only few words.
    """

    name: str
    description: str
    languages: tuple[str, ...]
    license: str
    commercial_use_allowed: bool
    attribution: str
    sample_rate_hertz: int
    channels: int
    duration_seconds: tuple[float, float]
    steps: tuple[int, int] | None
    default_steps: int | None
    guidance_scale: tuple[float, float]
    default_guidance_scale: float
    controls: frozenset[Control]
    stems: frozenset[Stem]
    voices: frozenset[Voice] = frozenset()
    loras: tuple[str, ...] = ()
    experimental_languages: tuple[str, ...] = ()
    license_urls: tuple[str, ...] = ()
    length_is_exact: bool = True


class SectionConditions(Protocol):
    """Protocol of a section's conditions, such as the encoded prompt and lyrics, computed before the section is
    denoised. Only the engine that computed the conditions can read them.
    """

    @property
    def cost(self) -> int:
        """Number of tokens that one denoising step of the section processes, including the batch rows for guidance."""

    @property
    def length(self) -> int:
        """Number of tokens in the longest batch row of the section. Sections in one batch may be padded to the longest
        one.
        """

    @property
    def steps(self) -> int:
        """Number of denoising steps of the section, at least 1; an upper bound if the section may end early. In an
        engine that does not denoise, a step generates a fixed number of frames.
        """

    @property
    def memory_bytes(self) -> int:
        """Approximate peak of the device memory, in bytes, that the section occupies from `Engine.prepare` until its
        last step.

        The value includes temporary memory of a step. The memory of a finished section is small in comparison and is
        not counted.
        """

    @property
    def group(self) -> str:
        """Name of the batching group of the section's first step: only sections of one group share a step."""


class SectionState(Protocol):
    """Protocol of a section while it is generated in steps and after it is finished. Only the engine that created the
    state can read it.

    A finished section no longer refers to its conditions, so their memory is freed after the last step.
    """

    @property
    def step(self) -> int:
        """Number of denoising steps already done."""

    @property
    def steps(self) -> int:
        """Total number of steps; the section is finished when `step == steps`. The number never rises. It falls only in
        an engine without `EngineInfo.length_is_exact`, when a step shows that the section ends early.
        """

    @property
    def group(self) -> str:
        """Name of the batching group of the section's next step: only sections of one group share a step. An engine
        that can batch all sections has one group. An engine that generates a section in phases, such as tokens and then
        sound, has a group for each phase.
        """

    @property
    def ends_song(self) -> bool:
        """True if the song ends with this section before the end of its plan; known at the latest after the last step.

        Later sections of the song are then not generated. The value is always False for an engine with
        `EngineInfo.length_is_exact`.
        """


class SectionContext(Protocol):
    """Protocol of the data of a finished section, such as its last latents, from which the next section continues. Only
    the engine that created the context can read it.
    """


class Validator(Protocol):
    """Protocol of an object that checks the requests for one engine, in a process without weights, device or torch.

    Its methods are thread-safe.
    """

    def validate(self, params: SongParams) -> SongPlan | None:
        """Check within a limited time that `Engine.plan` would accept the request, and return the plan of the song.

        The plan is the one that `Engine.plan` would return, so the engine need not compute it again; it must be
        picklable. The result is `None` if sending the plan to another process costs more than computing it there.

        Raises:
            InvalidParams: the engine cannot make a song from the lyrics or controls.
        """


class Engine(Protocol):
    """Protocol of an engine: a model family on one device.

    Two threads may call the engine, each one call at a time: one prepares and renders (`plan`, `prepare`, `score`,
    `render`, `save`, `restore`, `restore_section`; `context` of restored sections) while the other denoises (`begin`,
    `denoise`, `context`, `save_section`). Both threads may call `check`. Calls about one section never overlap, with
    two exceptions: the next section may be begun and denoised while a finished one is rendered, and a finished section
    may be saved while earlier ones are rendered.

    An error after which the device cannot be used must be raised as torch raises it (`torch.AcceleratorError`, or its
    text); the process is then replaced.
    """

    def info(self) -> EngineInfo:
        """Return the properties of the engine and the limits of requests."""

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song: its sections with their lengths and lyrics, and remarks for the caller.

        The method is fast and has no side effects; equal parameters give equal plans.

        Raises:
            InvalidParams: the engine cannot make a song from the lyrics or controls.
        """

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Return the conditions of section `index`, such as the encoded prompt and lyrics, independently of the
        sections before it.
        """

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """Return the initial state of section `index`, with noise drawn from the section's own seed.

        `conditions` are the result of `prepare`; the calling code deletes them after the last step. `context` is the
        result of the method `context` for section `index - 1`, and `None` only for the first section.
        """

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance all states by one step in one forward pass. The states have the same group; their lengths and numbers
        of steps done may differ.

        A state's result is the same in every batch except for rounding: the shape of a batch may change the order of
        summation. An engine whose results must be byte-identical in any batch separates states by their group, or
        within the call.

        If a call raises, `SectionState.step` shows which states have been advanced. If all states have been advanced,
        the error counts for all of them, and none is retried.

        Raises:
            MemoryError: the device has no memory for a batch of this size (torch's own errors count, too). The memory
                of the failed pass is free once the error and its traceback are deleted.
        """

    def save_section(self, state: SectionState) -> bytes:
        """Serialize a finished section, so that another process can render it. The method is called right after the
        section's last step.
        """

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """Return a finished section, restored from the bytes of `save_section`.

        The rendered sound equals that of the saved section, byte for byte on the same kind of device. `plan` is
        computed again from the same parameters. `context` is the context of section `index - 1`, and `None` only for
        the first section. `saved` was written by this program and is trusted.
        """

    def context(self, state: SectionState) -> SectionContext:
        """Return the data of a finished section, such as its last latents, from which the next section continues."""

    def score(self, state: SectionState) -> SectionScore:
        """Return syllable times, chords and notation of a finished section.

        Times are computed as if the section started at its planned time; the calling code shifts them if earlier
        sections ended early.
        """

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the sound of a finished section, window by window. The windows have exactly the planned number of
        samples, or fewer if the plan has no `SongPlan.engine_samples`.

        Windows are float32, of shape [channels, samples] with the number of channels in `EngineInfo`. If the plan has
        `SongPlan.engine_samples`, the samples of all sections add up to that number.

        The sections of a song are rendered in order, each to its end before the next one starts: decaying sound at the
        end of a section continues in the next.
        """

    def save(self, state: SectionState) -> bytes:
        """Serialize the context that a completely rendered section passes to the next one, so that another process can
        continue the song.
        """

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """Return the context of section `index`, restored from the bytes of `save`, so that the next section continues
        the delivered sound.

        `plan` is computed again from the same parameters. `saved` was written by this program and is trusted.
        """

    def check(self) -> None:
        """Run a trivial operation on the device and wait for its result; raises an error if the device is broken.

        An engine on the CPU does nothing.
        """
