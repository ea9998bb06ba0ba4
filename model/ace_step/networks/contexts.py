"""Keys and values of songs' contexts for the transformer's cross-attention. They are computed once per context, and
stacked for the rows of a forward pass.
"""

import weakref
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from model.ace_step.networks.attention import KeyValue

BUCKET = 64
"""Multiple to which the tokens of a context and the frames of recorded passes are rounded up, so that shapes repeat."""

_COPIES = 2
"""Copies of a song's keys and values while it is denoised: its own tensors, and its row in a batch."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ContextCache:
    """Keys and values of one context for every block of the transformer; they are used in every denoising step of a
    song.

    Keys and values are [blocks, heads, tokens, head width]. `sharpness` multiplies the queries of the blocks whose
    attention ERG weakens; 1 leaves the queries unchanged.
    """

    keys: torch.Tensor
    values: torch.Tensor
    sharpness: float = 1.0

    @property
    def tokens(self) -> int:
        """Number of tokens in the context."""
        return self.keys.shape[2]

    @property
    def memory_bytes(self) -> int:
        """Device memory of the keys and values in bytes, including their copy in a batch."""
        return _COPIES * 2 * self.keys.numel() * self.keys.element_size()


@dataclass(frozen=True, slots=True)
class ContextBatch:
    """The contexts of the rows of a forward pass, padded to one length.

    `keys` and `values` are [blocks, rows, heads, tokens, head width]; `mask` [rows, tokens] is True for tokens, False
    for padding, and `None` without padding; `sharpness` [rows] is the factor on the attention scores of each row (below
    1 weakens its attention to the context), `None` if all are 1.
    """

    keys: torch.Tensor
    values: torch.Tensor
    mask: torch.Tensor | None = None
    sharpness: torch.Tensor | None = None

    @classmethod
    def of(cls, caches: Sequence[ContextCache], multiple: int = 1, *, masks: bool = False) -> "ContextBatch":
        """Return a batch with one row per context. The number of tokens is rounded up to a multiple of `multiple`, so
        that few different shapes occur.

        If `masks` is True, mask and sharpness are tensors even if they have no effect.
        """
        lengths = [cache.tokens for cache in caches]
        tokens = rounded_up(max(lengths), multiple)
        factors = [cache.sharpness for cache in caches]
        facts = on_device([lengths, factors], caches[0].keys.device)
        return cls(
            _stacked([cache.keys for cache in caches], tokens),
            _stacked([cache.values for cache in caches], tokens),
            below(facts[0], tokens) if masks or min(lengths) < tokens else None,
            facts[1] if masks or set(factors) != {1.0} else None,
        )

    def blocks(self) -> list[KeyValue]:
        """Return keys and values for each block, each [rows, heads, tokens, head width]."""
        return list(zip(self.keys.unbind(), self.values.unbind(), strict=True))


class ContextStacks:
    """Cache of the context batches of the last denoising step, because the next step usually needs the same batches.

    A batch is deleted as soon as one of its `ContextCache` objects is not used elsewhere.
    """

    def __init__(self, multiple: int, *, masks: bool) -> None:
        """Set up an empty cache; `multiple` and `masks` are parameters of `ContextBatch.of`."""
        self._multiple, self._masks = multiple, masks
        self._kept: dict[tuple[int, ...], ContextBatch] = {}

    def batch(self, caches: Sequence[ContextCache]) -> ContextBatch:
        """Return the batch of the given contexts, one per row; a batch that is not cached is stacked and added to the
        cache.
        """
        key = composition(caches)
        if (kept := self._kept.get(key)) is None:
            kept = self._kept[key] = ContextBatch.of(caches, self._multiple, masks=self._masks)
            for cache in caches:
                weakref.finalize(cache, self._kept.pop, key, None).atexit = False
        return kept

    def keep(self, used: Collection[tuple[int, ...]]) -> None:
        """Delete all cached batches except those whose keys (see `composition`) are in `used`."""
        for key in self._kept.keys() - set(used):
            self._kept.pop(key, None)


def composition(caches: Sequence[ContextCache]) -> tuple[int, ...]:
    """Return a key that identifies the contexts in the rows of a forward pass; the key is valid as long as these
    contexts exist.
    """
    return tuple(map(id, caches))


def on_device(rows: Sequence[Sequence[float]], device: torch.device) -> torch.Tensor:
    """Copy rows of numbers to a float32 tensor on `device`, by one asynchronous copy."""
    pinned = device.type == "cuda"
    return torch.tensor(rows, dtype=torch.float32, pin_memory=pinned).to(device, non_blocking=True)


def below(lengths: torch.Tensor, count: int) -> torch.Tensor:
    """Return a mask [rows, count] that is True at the first `lengths[row]` positions of each row."""
    return torch.arange(count, device=lengths.device) < lengths[:, None]


def rounded_up(length: int, multiple: int) -> int:
    """Return the smallest multiple of `multiple` that is at least `length`."""
    return -(-length // multiple) * multiple


def _stacked(parts: Sequence[torch.Tensor], tokens: int) -> torch.Tensor:
    """Stack tensors [blocks, heads, any tokens, head width] to one tensor [blocks, rows, heads, tokens, head width],
    padded with zeros.
    """
    if len(parts) == 1 and parts[0].shape[2] == tokens:
        return parts[0].unsqueeze(1)
    return torch.stack([F.pad(part, (0, 0, 0, tokens - part.shape[2])) for part in parts], dim=1)
