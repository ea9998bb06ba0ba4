"""State of a section while its audio tokens are generated, and the context that a section passes to the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from model.musicgen.planning.spec import GenerationSpec, SectionSpec
from model.musicgen.rendering import Carry
from model.shared.tokens.core import TokenCore
from model.shared.tokens.sequences import TextCache, TokenSequence

UNKNOWN = -1
"""Value that stands for an audio code which is not yet known."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Known audio codes [codebooks, frames], int16 in host memory, from frame `first` of the song on; in delayed
    codebooks the last frames are `UNKNOWN`.
    """

    first: int
    codes: torch.Tensor

    def since(self, frame: int) -> torch.Tensor:
        """Return the codes [codebooks, frames] from frame `frame` of the song on."""
        return self.codes[:, frame - self.first :]


@dataclass(slots=True)
class Tail:
    """The state of the audio decoder at the end of a section; `None` until the section's sound is rendered."""

    carry: Carry | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Data that a section passes to the next one: all audio codes so far, and the state of the audio decoder after
    them; see `model.engine.SectionContext`.
    """

    known: Known
    tail: Tail


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """The conditions of a section; see `model.engine.SectionConditions`. On a GPU, `ready` is the CUDA event after
    which the tensors are complete.

    `texts` are the encoded prompt of each batch row, and `prefix` the vectors before the token columns, both in the
    format of `model.shared.tokens.sequences.Given`. `given` are the codes of a recording that is extended, `kept`
    [channels, samples] its sound.
    """

    texts: Sequence[TextCache | None]
    prefix: torch.Tensor | None
    given: Known
    kept: NDArray[np.float32] | None
    cost: int
    length: int
    steps: int
    memory_bytes: int
    ready: torch.cuda.Event | None = None

    @property
    def group(self) -> str:
        """Name of the batching group: all songs of this engine can share a step."""
        return ""

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors of the conditions on the device: the encoded texts and the prefix."""
        texts = [tensor for text in self.texts if text is not None for tensor in text]
        return (*texts, *(() if self.prefix is None else (self.prefix,)))


@dataclass(slots=True)
class State:
    """State of a section while its tokens are generated; see `model.engine.SectionState`. `sequence` is set until the
    section is finished, and `known`, its audio codes, afterwards.

    `before` and `after` have the states of the audio decoder at the start and at the end of the section. `kept`
    [channels, samples] is the sound of a recording that comes before the section; `first_column` is the result of
    `model.musicgen.grid.first_column`.
    """

    spec: GenerationSpec
    index: int
    before: Tail
    kept: NDArray[np.float32] | None
    sequence: TokenSequence | None = None
    first_column: int = 0
    known: Known | None = None
    after: Tail = field(default_factory=Tail)

    @property
    def section(self) -> SectionSpec:
        """Specification of the section, taken from the song's plan."""
        return self.spec.sections[self.index]

    @property
    def step(self) -> int:
        """Number of steps already done; in one step the model generates the tokens of some frames."""
        if self.sequence is None:
            return self.steps
        done, step = self.sequence.column - self.first_column, 0
        while self.section.ticks_before(step + 1) <= done and step < self.steps:
            step += 1
        return step

    @property
    def steps(self) -> int:
        """Total number of steps of the section."""
        return self.section.steps

    @property
    def group(self) -> str:
        """Name of the batching group: all songs of this engine can share a step."""
        return ""

    @property
    def ends_song(self) -> bool:
        """False, because songs of this engine always end with the last planned section."""
        return False

    def finish(self, core: TokenCore, known: Known) -> None:
        """Mark the section as finished: store its audio codes, and free its place in the shared buffers."""
        assert self.sequence is not None
        core.release(self.sequence)
        self.known, self.sequence = known, None
