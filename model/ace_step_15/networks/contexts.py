"""Keys and values of songs' contexts for the transformer's cross-attention. They are computed once per context, and
stacked for the rows of a forward pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from model.ace_step_15.networks.attention import KeyValue
from model.ace_step_15.networks.masks import below


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ContextCache:
    """Keys and values of one context in every block of the transformer, each [blocks, key heads, tokens, head width].

    Keys and values do not depend on the timestep, so they are computed once for all steps of a song.
    """

    keys: torch.Tensor
    values: torch.Tensor

    @property
    def tokens(self) -> int:
        """Number of tokens in the context."""
        return self.keys.shape[2]

    @property
    def memory_bytes(self) -> int:
        """Device memory of the keys and values, in bytes."""
        return self.keys.nbytes + self.values.nbytes


@dataclass(frozen=True, slots=True)
class ContextBatch:
    """The contexts of the rows of a forward pass, padded to one length: keys and values [blocks, rows, key heads,
    tokens, head width].

    `mask` [rows, 1, 1, tokens] is True for tokens, False for padding, and `None` without padding.
    """

    keys: torch.Tensor
    values: torch.Tensor
    mask: torch.Tensor | None

    @classmethod
    def of(cls, caches: Sequence[ContextCache]) -> "ContextBatch":
        """Return a batch with one row per context."""
        lengths = [cache.tokens for cache in caches]
        tokens = max(lengths)
        keys, values = (
            torch.stack([F.pad(part, (0, 0, 0, tokens - part.shape[2])) for part in parts], dim=1)
            for parts in ([cache.keys for cache in caches], [cache.values for cache in caches])
        )
        padded = min(lengths) < tokens
        return cls(keys, values, below(torch.tensor(lengths, device=keys.device), tokens) if padded else None)

    def blocks(self) -> list[KeyValue]:
        """Return the keys and values for each block, each [rows, key heads, tokens, head width]."""
        return list(zip(self.keys.unbind(), self.values.unbind(), strict=True))
