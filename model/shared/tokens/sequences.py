"""Data types for a sequence of tokens that is being generated: its input and its progress."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from model.shared.tokens.caches import Kept
from model.shared.tokens.sampling import Sampling

TextCache = Kept
"""Keys and values of a text for cross-attention, each [layers, 1, heads, tokens, width]."""


@dataclass(frozen=True, slots=True)
class Given:
    """The input for generating a token sequence; its rows are ordered as in `SamplingBatch.chosen`.

    `texts` has one entry for each row, `None` for a row that attends to no text; it is empty for a network without
    cross-attention. `prefix` [rows, tokens, width] precedes the columns; `None` for no prefix. `grid` [codebooks,
    columns] are the tokens of all columns, in host memory: the known ones, and padding. Tokens of codebook k are
    generated where `opens[k] <= column < closes[k]`; elsewhere the given tokens are used.
    """

    texts: Sequence[TextCache | None]
    prefix: torch.Tensor | None
    grid: torch.Tensor
    opens: Sequence[int]
    closes: Sequence[int]
    sampling: Sampling

    @property
    def prefix_length(self) -> int:
        """Number of tokens in the prefix."""
        return 0 if self.prefix is None else self.prefix.shape[1]


@dataclass(eq=False, slots=True, weakref_slot=True)
class TokenSequence:
    """A sequence of tokens that is being generated; all columns up to `column` are known.

    While the sequence has no seat in the shared buffers, `parked` holds its key and value caches and `tokens` its token
    grid.
    """

    given: Given
    column: int
    seat: int | None = None
    prefilled: bool = False
    tokens: torch.Tensor | None = None
    parked: Kept | None = field(default=None, repr=False)

    @property
    def place(self) -> int:
        """Position of the current column in the key and value caches, counted from the start of the prefix."""
        return self.given.prefix_length + self.column
