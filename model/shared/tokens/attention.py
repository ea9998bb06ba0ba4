"""Attention of rows that have filled their caches to different lengths."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Span:
    """Rows that attend in one call: to their first `length` keys, of which `mask` [rows, 1, 1, length] hides some."""

    rows: slice
    length: int
    mask: torch.Tensor | None = None


def spans_of(lengths: Sequence[int], most: int, device: torch.device) -> tuple[Span, ...]:
    """Divide rows that see `lengths` keys each (0: the row has nothing to do) into calls of attention.

    What a row computes depends on its own length alone, never on its neighbours'. On a CPU each row has a call of its
    own, over its own keys. Elsewhere all rows share one call over all `most` keys, the unused of them hidden: always of
    the same shape, whoever is there.
    """
    if device.type == "cpu":
        return tuple(Span(slice(row, row + 1), length) for row, length in enumerate(lengths) if length)
    return (span_of_all(lengths, most, device),)


def span_of_all(lengths: Sequence[int], most: int, device: torch.device) -> Span:
    """One call for all rows over all `most` keys; a row without any key sees one, since nothing has no average."""
    seen = torch.tensor([max(1, length) for length in lengths], device=device)
    return Span(slice(0, len(lengths)), most, (torch.arange(most, device=device) < seen[:, None])[:, None, None])


def attended(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, spans: Sequence[Span]) -> torch.Tensor:
    """Attention of one query per row, [rows, heads, 1, width], to caches [rows, heads, length, width].

    Rows that are in no span get zeros.
    """
    made = torch.zeros_like(queries)
    for span in spans:
        rows, length = span.rows, span.length
        made[rows] = F.scaled_dot_product_attention(
            queries[rows], keys[rows, :, :length], values[rows, :, :length], attn_mask=span.mask
        )
    return made
