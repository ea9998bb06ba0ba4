"""Computes attention of rows whose caches are filled to different lengths."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Span:
    """One call of attention for some rows: they attend to their first `length` keys, of which `mask` [rows, 1, 1,
    length] hides some.
    """

    rows: slice
    length: int
    mask: torch.Tensor | None = None


def spans_by_row(lengths: Sequence[int]) -> tuple[Span, ...]:
    """Return a call of attention for each row, over its own keys; a row of length 0 has none."""
    return tuple(Span(slice(row, row + 1), length) for row, length in enumerate(lengths) if length)


def span_of_all(lengths: torch.Tensor, most: int) -> Span:
    """Return one call for all rows [rows] over all `most` keys, with a mask that hides the unused ones.

    A row without any key sees one, since nothing has no average.
    """
    keys = torch.arange(most, device=lengths.device)
    return Span(slice(0, lengths.shape[0]), most, (keys < lengths.clamp(min=1)[:, None])[:, None, None])


def attended(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, spans: Sequence[Span]) -> torch.Tensor:
    """Return the attention of one query per row, [rows, heads, 1, width], to caches [rows, heads, length, width].

    Rows that are in no span get zeros.
    """
    made = torch.zeros_like(queries)
    for span in spans:
        rows, length = span.rows, span.length
        made[rows] = F.scaled_dot_product_attention(
            queries[rows], keys[rows, :, :length], values[rows, :, :length], attn_mask=span.mask
        )
    return made
