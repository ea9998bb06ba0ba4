"""Interface of a network that predicts audio tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from model.shared.tokens.attention import Span
from model.shared.tokens.caches import Caches, CacheShape
from model.shared.tokens.sequences import TextCache


@dataclass(frozen=True, slots=True)
class Pass:
    """Inputs of the attention layers in one forward pass: the key and value caches, and the attention calls that read
    them. `text` and `text_spans` are for cross-attention.
    """

    own: Caches
    own_spans: Sequence[Span]
    text: Caches | None
    text_spans: Sequence[Span]


class TokenNetwork(Protocol):
    """Protocol of a causal network that predicts columns of audio tokens, with one token per codebook in a column.

    The cost of a tick (one column) depends only on its number of rows; the result of a row depends only on that row.
    """

    @property
    def codebooks(self) -> int:
        """Number of codebooks: the tokens in a column."""

    @property
    def vocabulary(self) -> int:
        """Number of different tokens in each codebook."""

    @property
    def device(self) -> torch.device:
        """The device on which the weights are."""

    @property
    def dtype(self) -> torch.dtype:
        """The data type of the weights and of the caches."""

    def cache_shape(self, length: int) -> CacheShape:
        """Return the sizes of the key and value caches for `length` tokens."""

    def prefill(
        self, prefix: torch.Tensor | None, columns: torch.Tensor, texts: Sequence[TextCache | None], caches: Caches
    ) -> None:
        """Compute the keys and values of a prefix and of known columns [codebooks, columns] in one causal pass, and
        write them into the first rows of `caches`.

        The prefix, or `texts` if there is no prefix, has one row for each row of one sequence; the columns are the same
        for all rows.
        """

    def tick(self, tokens: torch.Tensor, places: torch.Tensor, seen: Pass) -> torch.Tensor:
        """Return the logits [rows, codebooks, vocabulary], float32, of the column after the column `tokens` [rows,
        codebooks] at the positions `places` [rows].

        The keys and values of the column `tokens` are written to `seen.own` before attention reads it.
        """
