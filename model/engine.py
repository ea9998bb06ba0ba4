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
    """Reference to a setting of an engine, or to the parameter `device` of its `load`, within a text.

    The engine knows only the option's own name; the full name of the variable is inserted when the text is shown. With
    `short` only the end of the full name is inserted, because an option of the same engine was named before.
    """

    name: str
    short: bool = False

    @override
    def __str__(self) -> str:
        return repr(self.name)


class EngineUnavailable(RuntimeError):
    """The engine cannot be used, because files, packages or a device are missing; the text says what to do."""

    def __init__(self, *parts: str | Option) -> None:
        """`parts` are the parts of the text."""
        super().__init__(*parts)
        self.parts = parts

    @override
    def __str__(self) -> str:
        return "".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Properties of an engine and limits of its requests; ranges are inclusive.

    An engine without `voices` accepts no choice of voice. `license` is an SPDX licence expression of the weights and
    data, or the name of the terms ("LicenseRef-...") if SPDX lists none; `license_urls` are web pages with the terms
    (`model.shared.licences`). `commercial_use_allowed` is `False` also if the terms of one part are unclear.
    `attribution` is the text that a product with the engine's songs must show, possibly empty. Every window of sound
    has `channels` channels, 1 or 2. `duration_seconds` lies within [3, 600]. `steps` and `default_steps` are `None` for
    an engine that does not denoise; it cannot have the control STEPS. With `length_is_exact` every plan has
    `SongPlan.engine_samples`; otherwise a song may be shorter than its plan (`SectionState.ends_song`).
    `experimental_languages` are those of `languages` of which listeners understand only few words.
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
    """Conditions of a section, encoded before the section is begun. Only the engine that made them can read them."""

    @property
    def cost(self) -> int:
        """Tokens of one step of the section, including the rows for guidance."""

    @property
    def length(self) -> int:
        """Tokens of the section's longest row. Sections of one batch may be padded to the longest of them."""

    @property
    def steps(self) -> int:
        """Steps of the section, at least 1; those of the longest possible section if it may end early. A step of an
        engine that does not denoise is a fixed number of frames.
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
    """A section that is being made by steps or is finished. Only the engine that made it can read it.

    A finished section has no conditions any more, so that their memory is free after the last step.
    """

    @property
    def step(self) -> int:
        """Number of steps done."""

    @property
    def steps(self) -> int:
        """Total steps; the section is finished when `step == steps`. It never rises. It falls only if an engine without
        `EngineInfo.length_is_exact` finds out in a step that the section ends early.
        """

    @property
    def group(self) -> str:
        """Batching group of the next step: sections of different groups never share a step. An engine that can batch
        all sections has one group; one that makes a section in phases, such as tokens and then sound, has a group for
        each.
        """

    @property
    def ends_song(self) -> bool:
        """True if the song ends with this section before the end of its plan; known at the latest with the last step.

        Sections after it are not made. It is always False for an engine with `EngineInfo.length_is_exact`.
        """


class SectionContext(Protocol):
    """Context that a finished section passes to the next one. Only the engine that made it can read it."""


class Validator(Protocol):
    """Checks requests for one engine in a process without the engine: without weights, device or torch.

    Thread-safe.
    """

    def validate(self, params: SongParams) -> SongPlan | None:
        """Refuse requests that `Engine.plan` would refuse, within a limited time.

        Returns the plan that `Engine.plan` would make, so that it is not computed twice, or `None` if passing it on
        costs more than making it again. The plan must be picklable.

        Raises:
            InvalidParams: the engine cannot make a song from the lyrics or controls.
        """


class Engine(Protocol):
    """A model family on one device.

    Two threads may call, each one call at a time: one prepares and renders (`plan`, `prepare`, `score`, `render`,
    `save`, `restore`, `restore_section`; `context` of restored sections) while the other denoises (`begin`, `denoise`,
    `context`, `save_section`). Either calls `check`. Calls about one section never overlap, except that the next
    section may be begun and denoised while the finished one is rendered, and that a finished one may be saved while
    those before it are rendered.

    An error after which the device cannot be used must be raised as torch raises it (`torch.AcceleratorError`, or its
    text); the process is then replaced.
    """

    def info(self) -> EngineInfo:
        """Properties of the engine and of the requests that it accepts."""

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
        """Open section `index` and draw its noise from the section's own seed.

        `conditions` are the result of `prepare`; the calling code deletes them after the last step. `context` is that
        of section `index - 1`, and `None` only for the first.
        """

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance all states by one step in one forward pass. They are of one group; their lengths and steps so far may
        differ.

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
        """Serialize the finished section, so that it can be rendered in another process; called right after its last
        step.
        """

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """Restore the finished section from `save_section`.

        Its sound equals that of the saved section, byte for byte on the same kind of device. `plan` is made again from
        the same parameters. `context` is that of section `index - 1`, and `None` only for the first. `saved` was
        written by this program and is trusted.
        """

    def context(self, state: SectionState) -> SectionContext:
        """Return the context for the section after this finished one."""

    def score(self, state: SectionState) -> SectionScore:
        """Return syllable times and notation of a finished section, as if it started at its planned time: the times are
        moved where earlier sections ended early.
        """

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the finished section's sound, window by window; in total exactly its planned samples, or fewer if the
        plan has no `SongPlan.engine_samples`. If it has them, the sections of a song add up to them.

        Windows are float32, of shape [channels, samples] with the channels that `EngineInfo` tells.

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
