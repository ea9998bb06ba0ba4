"""Defines the interface of a network that predicts tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from model.shared.tokens.attention import Span
from model.shared.tokens.caches import Caches, CacheShape
from model.shared.tokens.sequences import TextCache


@dataclass(frozen=True, slots=True)
class Pass:
    """Caches of one pass, and the calls of attention to them. `text` and `text_spans` are for cross-attention."""

    own: Caches
    own_spans: Sequence[Span]
    text: Caches | None
    text_spans: Sequence[Span]


class TokenNetwork(Protocol):
    """A causal network over columns of tokens, one for each codebook.

    The cost of a tick depends on the number of its rows alone; a row's result may depend on nothing but the row.
    """

    @property
    def codebooks(self) -> int:
        """Number of codebooks: the tokens in a column."""

    @property
    def vocabulary(self) -> int:
        """Number of different tokens that can be predicted."""

    @property
    def device(self) -> torch.device:
        """Device of the weights."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights, and so of the caches."""

    def cache_shape(self, length: int) -> CacheShape:
        """Return the sizes of caches for `length` tokens."""

    def prefill(
        self, prefix: torch.Tensor | None, columns: torch.Tensor, texts: Sequence[TextCache | None], caches: Caches
    ) -> None:
        """Fill the first rows of `caches` in one causal pass over a prefix and columns [codebooks, columns].

        The rows of the prefix, or else of `texts`, are those of one sequence; the columns are the same for all.
        """

    def tick(self, tokens: torch.Tensor, places: torch.Tensor, seen: Pass) -> torch.Tensor:
        """Return the logits [rows, codebooks, vocabulary], float32, of the column after `tokens` [rows, codebooks],
        which stand at `places`.

        The rows' keys and values are written to `seen.own` before they are read.
        """
