"""The interface between the service and a model family.

A song is planned into sections; a section is denoised step by step, together with sections of other songs, and then
rendered window by window. Nothing here depends on transport, metrics, clocks or the environment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from model.song import Control, SectionScore, SongParams, SongPlan, Stem, Voice, Window


@dataclass(frozen=True, slots=True)
class Option:
    """Reference to a setting of an engine, or to the parameter `device` of its `load`, within a text.

    The engine knows the option's own name; its full name is inserted when the text is shown.
    With `short`, the end of the full name is enough, because an option of the same engine was named before.
    """

    name: str
    short: bool = False

    @override
    def __str__(self) -> str:
        return repr(self.name)


class EngineUnavailable(RuntimeError):
    """The engine cannot work here (files, packages or a device are missing); the text says what to do."""

    def __init__(self, *parts: str | Option) -> None:
        """`parts` make up the text."""
        super().__init__(*parts)
        self.parts = parts

    @override
    def __str__(self) -> str:
        return "".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Properties of an engine and limits of its requests; ranges are inclusive.

    An engine without `voices` accepts no choice of voice. `license` is an SPDX licence expression of the weights and
    data, or the name of the terms ("LicenseRef-...") if SPDX lists none. `commercial_use_allowed` is `False` also if
    the terms of one part are unclear. `attribution` is the text that a product with the engine's songs must show,
    possibly empty. Every window of sound has `channels` channels. Of `experimental_languages`, which `languages` has,
    too, listeners understand few words.
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
    steps: tuple[int, int]
    default_steps: int
    guidance_scale: tuple[float, float]
    default_guidance_scale: float
    controls: frozenset[Control]
    stems: frozenset[Stem]
    voices: frozenset[Voice] = frozenset()
    loras: tuple[str, ...] = ()
    experimental_languages: tuple[str, ...] = ()


class SectionConditions(Protocol):
    """Conditions of a section, encoded before it is begun. Only the engine that made them reads them."""

    @property
    def cost(self) -> int:
        """Tokens that one step of the section puts on the device, guidance rows included."""

    @property
    def length(self) -> int:
        """Tokens of the section's longest row. Sections of one batch may be padded to the longest among them."""

    @property
    def steps(self) -> int:
        """Denoising steps of the section, at least 1."""

    @property
    def memory_bytes(self) -> int:
        """Approximate device memory that the section holds from `Engine.prepare` until its last step is done.

        It includes temporary memory of a step. The memory of a finished section is small in comparison and does not
        count.
        """

    @property
    def group(self) -> str:
        """Sections of different groups never share a step; an engine that can batch all sections has one group."""


class SectionState(Protocol):
    """A section that is being denoised or is finished. Only the engine that made it reads it.

    A finished one holds no conditions any more: their memory is free after the last step.
    """

    @property
    def step(self) -> int:
        """Number of denoising steps done."""

    @property
    def steps(self) -> int:
        """Total steps; the section is finished when `step == steps`."""


class SectionContext(Protocol):
    """Context that a finished section passes to the next one. Only the engine that made it reads it."""


class Validator(Protocol):
    """Checks requests for one engine in a process without the engine: without weights, device or torch.

    Thread-safe.
    """

    def validate(self, params: SongParams) -> SongPlan | None:
        """Refuse what `Engine.plan` would refuse, in bounded time.

        Returns the plan that `Engine.plan` would make, so that it is not computed twice, or `None` if passing it on
        costs more than making it again. It has to survive pickling.

        Raises:
            InvalidParams: the lyrics or controls cannot be made into a song.
        """


class Engine(Protocol):
    """A model family on one device.

    Two threads may call, each one call at a time: one prepares and renders (`plan`, `prepare`, `score`, `render`,
    `save`, `restore`, `restore_section`; `context` of restored sections) while the other denoises (`begin`, `denoise`,
    `context`, `save_section`). Either calls `check`. Calls about one section never overlap, except that the next
    section may be begun and denoised while the finished one is rendered, and that a finished one may be saved while
    those before it are rendered.

    A device error after which nothing works there any more must reach the caller as torch raises it
    (`torch.AcceleratorError`, or its text): the process is then replaced.
    """

    def info(self) -> EngineInfo:
        """Properties of the engine and of the requests that it accepts."""

    def plan(self, params: SongParams) -> SongPlan:
        """Plan the song: cheap, pure, and equal for equal parameters.

        Raises:
            InvalidParams: the lyrics or controls cannot be made into a song.
        """

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Encode the conditions of section `index`, independently of the sections before it."""

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """Open section `index` and draw its noise from the section's own seed.

        `conditions` are those of `prepare`; the caller drops them after the last step. `context` is that of section
        `index - 1`, and `None` only for the first.
        """

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance every state by one step in one forward pass, whatever their lengths and steps so far.

        A state's result is the same in every batch except for rounding: the shape of a batch may change the order of
        summation. An engine whose results must be byte-identical in any batch separates states by
        `SectionConditions.group`, or within the call.

        A call that raises has advanced no state, or shows it in `SectionState.step`. If every state has advanced, the
        error counts for all of them, and none is tried again.

        Raises:
            MemoryError: the device has no memory for a batch of this size (torch's own errors count as one). Whatever
                the failed pass held on the device is free once the error and its traceback are dropped.
        """

    def save_section(self, state: SectionState) -> bytes:
        """Serialize the finished section, sufficient to render it in another process; called right after its last
        step.
        """

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """Restore the finished section from `save_section`.

        Its sound equals that of the saved section, byte for byte on the same kind of device. `plan` is made again from
        the same parameters. `context` is that of section `index - 1`, and `None` only for the first. `saved` comes from
        this program alone and is trusted.
        """

    def context(self, state: SectionState) -> SectionContext:
        """The context for the section after this finished one."""

    def score(self, state: SectionState) -> SectionScore:
        """Syllable times and notation of a finished state."""

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the finished section's sound, window by window, adding up to exactly its planned samples.

        The sections of a song add up to `SongPlan.engine_samples` if the plan has them.

        The sections of a song are rendered in order, each to its end before the next one starts: decaying sound at the
        end of a section continues in the next.
        """

    def save(self, state: SectionState) -> bytes:
        """Serialize the context of a section that was rendered to its end, for another process."""

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """Restore the context of section `index` from `save`, so that the next section continues the delivered sound.

        `plan` is made again from the same parameters. `saved` comes from this program alone and is trusted.
        """

    def check(self) -> None:
        """Run a trivial operation on the device and wait for it; raises if the device is broken.

        A CPU engine has nothing to do.
        """
