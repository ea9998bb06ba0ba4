"""Attention with grouped heads, normalised queries and keys, and rotary positions, as in Qwen3 (arXiv 2505.09388)."""

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step_15.networks.config import StackConfig
from model.ace_step_15.networks.masks import Band

Table = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines of positions, each [positions, head width]."""

KeyValue = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of a context, each [rows, key heads, tokens, head width]."""

Mask = torch.Tensor | Band | None
"""The tokens that a layer attends to: given by a mask for `F.scaled_dot_product_attention`, in a sliding window
(`Band`), or all tokens (`None`).
"""


def positions(length: int, width: int, theta: float, device: torch.device, dtype: torch.dtype) -> Table:
    """Return the cosines and sines, each [length, width], of rotary positions from 0 (arXiv 2104.09864, section 3.2.2).

    `theta` is the base of the frequencies, which are repeated for the second half of the columns.
    """
    exponents = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), 1.0 / theta**exponents)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def turned(x: torch.Tensor, table: Table) -> torch.Tensor:
    """Return `x` [..., positions, head width] with its positions encoded by rotation; columns i and i + half the width
    are rotated as a pair.
    """
    first, second = x.chunk(2, dim=-1)
    return x * table[0] + torch.cat([-second, first], dim=-1) * table[1]


def attended(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: Mask, *, causal: bool = False
) -> torch.Tensor:
    """Return the attention output [rows, heads, tokens, width] of `queries` over `keys` and `values`, which may have
    fewer heads. If `causal` is True, a query attends only to its own position and the earlier ones.
    """
    if mask is not None and queries.is_cuda:
        # CUDA's fused kernel with a mask, which does not store the scores, needs as many key heads as query heads.
        groups = queries.shape[1] // keys.shape[1]
        keys, values = (each.repeat_interleave(groups, dim=1) for each in (keys, values))
    if isinstance(mask, Band):
        return mask.attended(queries, keys, values)
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=causal, enable_gqa=True)


class Attention(nn.Module):
    """Self-attention layer, or cross-attention layer to a context whose keys and values are computed in advance."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self._head_width = config.head_width
        inner, shared = config.heads * config.head_width, config.key_heads * config.head_width
        self.to_q = nn.Linear(config.width, inner, bias=config.bias)
        self.to_k = nn.Linear(config.width, shared, bias=config.bias)
        self.to_v = nn.Linear(config.width, shared, bias=config.bias)
        self.to_out = nn.ModuleList([nn.Linear(inner, config.width, bias=config.bias)])
        self.norm_q = nn.RMSNorm(config.head_width, eps=config.epsilon)
        self.norm_k = nn.RMSNorm(config.head_width, eps=config.epsilon)

    def key_value(self, x: torch.Tensor) -> KeyValue:
        """Return the keys and values of `x` [rows, tokens, width], without position encoding."""
        return self.norm_k(self._split(self.to_k(x))), self._split(self.to_v(x))

    def heads(self, x: torch.Tensor, table: Table) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the queries, keys and values of `x` [rows, tokens, width], split into heads; queries and keys have
        position encoding by `table`, the result of `positions`.
        """
        keys, values = self.key_value(x)
        return turned(self.queries(x), table), turned(keys, table), values

    def queries(self, x: torch.Tensor) -> torch.Tensor:
        """Return the queries of `x` [rows, tokens, width], without position encoding."""
        normed: torch.Tensor = self.norm_q(self._split(self.to_q(x)))
        return normed

    def mapped(self, made: torch.Tensor) -> torch.Tensor:
        """Join the outputs of the heads, [rows, heads, tokens, head width], and return their projection [rows, tokens,
        width].
        """
        mapped: torch.Tensor = self.to_out[0](made.transpose(1, 2).flatten(2))
        return mapped

    def forward(self, x: torch.Tensor, table: Table, mask: Mask, *, causal: bool = False) -> torch.Tensor:
        """Return the self-attention output of `x` [rows, tokens, width], in the same shape. `table` is the result of
        `positions`; for `mask` and `causal` see `attended`.
        """
        return self.mapped(attended(*self.heads(x, table), mask, causal=causal))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return torch.unflatten(x, -1, (-1, self._head_width)).transpose(1, 2)
