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
    """Placeholder in a text for the name of an engine's setting, or of the parameter `device` of its `load`.

    The engine knows only the short name of the setting; the full name of the environment variable is inserted when the
    text is shown. With `short` only the end of the full name is inserted, because the text has named another setting of
    the same engine before.
    """

    name: str
    short: bool = False

    @override
    def __str__(self) -> str:
        return repr(self.name)


class EngineUnavailable(RuntimeError):
    """The engine cannot be used, because files, packages or a device are missing; the text says what to do."""

    def __init__(self, *parts: str | Option) -> None:
        """Create the error; `parts` are the parts of its text."""
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
    an engine that does not denoise; it cannot have the control STEPS. With `length_is_exact` every plan has
    `SongPlan.engine_samples`; otherwise a song may be shorter than its plan (`SectionState.ends_song`).
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
    """Protocol of the conditions of a section, encoded before its denoising begins; only the engine that made them can
    read them.
    """

    @property
    def cost(self) -> int:
        """Number of tokens that one step of the section computes, including the rows for guidance."""

    @property
    def length(self) -> int:
        """Number of tokens in the section's longest row. Sections of one batch may be padded to the longest of them."""

    @property
    def steps(self) -> int:
        """Number of steps of the section, at least 1; that of the longest possible section if it may end early. A step
        of an engine that does not denoise is a fixed number of frames.
        """

    @property
    def memory_bytes(self) -> int:
        """Approximate device memory that the section occupies at most from `Engine.prepare` until its last step.

        It includes temporary memory of a step. The memory of a finished section is small in comparison and does not
        count.
        """

    @property
    def group(self) -> str:
        """Batching group of the first step, see `SectionState.group`."""


class SectionState(Protocol):
    """Protocol of a section that is being generated in steps or is finished; only the engine that made it can read it.

    A finished section has no conditions any more, so that their memory is free after the last step.
    """

    @property
    def step(self) -> int:
        """Number of denoising steps already done."""

    @property
    def steps(self) -> int:
        """Total number of steps; the section is finished when `step == steps`. The number never rises, and it falls
        only if an engine without `EngineInfo.length_is_exact` finds out in a step that the section ends early.
        """

    @property
    def group(self) -> str:
        """Batching group of the next step: sections of different groups never share a step. An engine that can batch
        all sections has one group; one that generates a section in phases, such as tokens and then sound, has a group
        for each phase.
        """

    @property
    def ends_song(self) -> bool:
        """True if the song ends with this section before the end of its plan; known at the latest with the last step.

        Sections after it are not made. It is always False for an engine with `EngineInfo.length_is_exact`.
        """


class SectionContext(Protocol):
    """Protocol of the context that a finished section passes to the next one; only the engine that made it can read
    it.
    """


class Validator(Protocol):
    """Protocol of the checks of requests for one engine, in a process without weights, device or torch.

    Thread-safe.
    """

    def validate(self, params: SongParams) -> SongPlan | None:
        """Raise an error for requests that `Engine.plan` would refuse, within a limited time.

        Returns the plan that `Engine.plan` would make, so that it is not computed twice, or `None` if passing it on
        costs more than making it again. The plan must be picklable.

        Raises:
            InvalidParams: the engine cannot make a song from the lyrics or controls.
        """


class Engine(Protocol):
    """Protocol of an engine: a model family on one device.

    Two threads may call, each one call at a time: one prepares and renders (`plan`, `prepare`, `score`, `render`,
    `save`, `restore`, `restore_section`; `context` of restored sections) while the other denoises (`begin`, `denoise`,
    `context`, `save_section`). Either calls `check`. Calls about one section never overlap, except that the next
    section may be begun and denoised while the finished one is rendered, and that a finished one may be saved while
    those before it are rendered.

    An error after which the device cannot be used must be raised as torch raises it (`torch.AcceleratorError`, or its
    text); the process is then replaced.
    """

    def info(self) -> EngineInfo:
        """Return the properties of the engine and the limits of the requests that it accepts."""

    def plan(self, params: SongParams) -> SongPlan:
        """Plan the song: cheap, pure, and equal for equal parameters.

        Raises:
            InvalidParams: the engine cannot make a song from the lyrics or controls.
        """

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Encode the conditions of section `index`, independently of the sections before it."""

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """Return the initial state of section `index`, with noise drawn from the section's own seed.

        `conditions` are the result of `prepare`; the calling code deletes them after the last step. `context` is that
        of section `index - 1`, and `None` only for the first.
        """

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance all states by one step in one forward pass. The states have the same group; their lengths and numbers
        of steps done may differ.

        A state's result is the same in every batch except for rounding: the shape of a batch may change the order of
        summation. An engine whose results must be byte-identical in any batch separates states by their group, or
        within the call.

        If a call raises, `SectionState.step` shows which states it has advanced. If all states have advanced, the error
        counts for all of them, and none is retried.

        Raises:
            MemoryError: the device has no memory for a batch of this size (torch's own errors count, too). The memory
            of the failed pass is free once the error and its traceback are deleted.
        """

    def save_section(self, state: SectionState) -> bytes:
        """Serialize a finished section, so that another process can render it; called right after its last step."""

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """Restore a finished section from the bytes of `save_section`.

        The rendered sound equals that of the saved section, byte for byte on the same kind of device. `plan` is made
        again from the same parameters. `context` is that of section `index - 1`, and `None` only for the first. `saved`
        was written by this program and is trusted.
        """

    def context(self, state: SectionState) -> SectionContext:
        """Return the context that a finished section passes to the section after it."""

    def score(self, state: SectionState) -> SectionScore:
        """Return syllable times and notation of a finished section, as if it started at its planned time: the times are
        moved where earlier sections ended early.
        """

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the sound of a finished section, window by window; in total exactly the planned samples, or fewer if
        the plan has no `SongPlan.engine_samples`. If it has them, the sections of a song add up to them.

        Windows are float32, of shape [channels, samples] with the number of channels in `EngineInfo`.

        The sections of a song are rendered in order, each to its end before the next one starts: decaying sound at the
        end of a section continues in the next.
        """

    def save(self, state: SectionState) -> bytes:
        """Serialize the context of a completely rendered section, for another process."""

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """Restore the context of section `index` from `save`, so that the next section continues the delivered sound.

        `plan` is made again from the same parameters. `saved` was written by this program and is trusted.
        """

    def check(self) -> None:
        """Run a trivial operation on the device and wait for it; raises if the device is broken.

        An engine on the CPU does nothing.
        """
