"""Attention of rows whose key and value caches are filled to different lengths."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Span:
    """One attention call for the rows `rows` of a batch: over the first `length` keys, without those that `mask` [rows,
    1, 1, length] hides.
    """

    rows: slice
    length: int
    mask: torch.Tensor | None = None


def spans_by_row(lengths: Sequence[int]) -> tuple[Span, ...]:
    """Return one attention call for each row, over the first `lengths[row]` keys; there is no call for a row of length
    0.
    """
    return tuple(Span(slice(row, row + 1), length) for row, length in enumerate(lengths) if length)


def span_of_all(lengths: torch.Tensor, most: int) -> Span:
    """Return one attention call for all rows, over `most` keys, with a mask that hides the keys of each row beyond its
    length in `lengths` [rows].

    A row of length 0 attends to one key, because softmax needs at least one.
    """
    keys = torch.arange(most, device=lengths.device)
    return Span(slice(0, lengths.shape[0]), most, (keys < lengths.clamp(min=1)[:, None])[:, None, None])


def attended(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, spans: Sequence[Span]) -> torch.Tensor:
    """Return the attention output of one query per row, [rows, heads, 1, width], over key and value caches [rows,
    heads, length, width].

    Rows that are in no span get zeros.
    """
    made = torch.zeros_like(queries)
    for span in spans:
        rows, length = span.rows, span.length
        made[rows] = F.scaled_dot_product_attention(
            queries[rows], keys[rows, :, :length], values[rows, :, :length], attn_mask=span.mask
        )
    return made
