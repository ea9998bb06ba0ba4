"""Attention masks of a forward pass over rows of different lengths: padding masks, and masks of a sliding window."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Band:
    """Sliding-window attention to tokens at most `window` away, computed in blocks of `window` queries, each with the
    keys of three blocks.

    The cost is proportional to the number of tokens, not to its square. `mask` is [rows * blocks, 1, window, 3 *
    window].
    """

    window: int
    mask: torch.Tensor

    @classmethod
    def of(cls, lengths: torch.Tensor, tokens: int, window: int) -> "Band":
        """Return the sliding-window attention for rows with `lengths` [rows] tokens, padded to `tokens`."""
        blocks = -(-tokens // window)
        rows = lengths.shape[0]
        local = torch.arange(3 * window, device=lengths.device) - window
        query = torch.arange(window, device=lengths.device)
        near = (query[:, None] - local[None]).abs() <= window
        key = (torch.arange(blocks, device=lengths.device) * window)[:, None] + local
        valid = (key >= 0) & (key < lengths[:, None, None])
        # A query in the padding attends to itself, because attention without any key gives NaN.
        mask = (near & valid[:, :, None]) | (query[:, None] == local[None])
        return cls(window, mask.view(rows * blocks, 1, window, 3 * window))

    def attended(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Return the attention output [rows, heads, tokens, width] of `queries` over `keys` and `values`, which may
        have fewer heads.
        """
        rows, _, tokens, _ = queries.shape
        queries = F.pad(queries, (0, 0, 0, -tokens % self.window))
        blocks = queries.shape[2] // self.window
        asked = torch.unflatten(queries, 2, (blocks, self.window)).transpose(1, 2).flatten(0, 1)
        made = F.scaled_dot_product_attention(
            asked, self._around(keys, blocks), self._around(values, blocks), attn_mask=self.mask, enable_gqa=True
        )
        return torch.unflatten(made, 0, (rows, blocks)).transpose(1, 2).flatten(2, 3)[:, :, :tokens]

    def _around(self, x: torch.Tensor, blocks: int) -> torch.Tensor:
        """Return each block of `x` [rows, heads, tokens, width] joined with its two neighbours, [rows * blocks, heads,
        3 * window, width].
        """
        padded = F.pad(x, (0, 0, self.window, (blocks + 1) * self.window - x.shape[2]))
        return padded.unfold(2, 3 * self.window, self.window).permute(0, 2, 1, 4, 3).flatten(0, 1)


def below(lengths: torch.Tensor, count: int) -> torch.Tensor:
    """Return the mask [rows, 1, 1, count] that is True for the first `lengths[row]` keys of each row."""
    return (torch.arange(count, device=lengths.device) < lengths[:, None])[:, None, None]


def sliding(lengths: torch.Tensor, tokens: int, window: int, full: torch.Tensor | None) -> Band | torch.Tensor | None:
    """Return the mask of a layer with sliding attention. If all tokens lie within the window, the mask is `full`, that
    of the layers with full attention.
    """
    return full if tokens <= window + 1 else Band.of(lengths, tokens, window)
