"""Attention with grouped heads, normed queries and keys, and rotary positions, as in Qwen3 (arXiv 2505.09388)."""

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
"""What a layer attends to: a mask that `F.scaled_dot_product_attention` takes, a band of tokens, or everything."""


def positions(length: int, width: int, theta: float, device: torch.device, dtype: torch.dtype) -> Table:
    """Cosines and sines, each [length, width], of positions from 0 (arXiv 2104.09864, section 3.2.2).

    Frequencies are laid out as [all | all].
    """
    exponents = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), 1.0 / theta**exponents)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def turned(x: torch.Tensor, table: Table) -> torch.Tensor:
    """`x` [..., positions, head width] with its positions encoded: pair i is columns i and i + half the width."""
    first, second = x.chunk(2, dim=-1)
    return x * table[0] + torch.cat([-second, first], dim=-1) * table[1]


class Norm(nn.Module):
    """Root mean square normalisation (arXiv 1910.07467) of the last axis."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The result has the shape and type of `x`."""
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class Attention(nn.Module):
    """Self-attention, or attention to a context whose keys and values are computed before."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self._head_width = config.head_width
        inner, shared = config.heads * config.head_width, config.key_heads * config.head_width
        self.to_q = nn.Linear(config.width, inner, bias=config.bias)
        self.to_k = nn.Linear(config.width, shared, bias=config.bias)
        self.to_v = nn.Linear(config.width, shared, bias=config.bias)
        self.to_out = nn.ModuleList([nn.Linear(inner, config.width, bias=config.bias)])
        self.norm_q = Norm(config.head_width, config.epsilon)
        self.norm_k = Norm(config.head_width, config.epsilon)

    def key_value(self, x: torch.Tensor) -> KeyValue:
        """Keys and values, without positions, of `x` [rows, tokens, width]."""
        return self.norm_k(self._split(self.to_k(x))), self._split(self.to_v(x))

    def forward(self, x: torch.Tensor, table: Table, mask: Mask, *, causal: bool = False) -> torch.Tensor:
        """Self-attention of `x` [rows, tokens, width]."""
        keys, values = self.key_value(x)
        queries = turned(self.norm_q(self._split(self.to_q(x))), table)
        return self._attended(queries, turned(keys, table), values, mask, causal=causal)

    def cross(self, x: torch.Tensor, context: KeyValue, mask: torch.Tensor | None) -> torch.Tensor:
        """Attention of `x` [rows, tokens, width] to `context`; positions play no part."""
        return self._attended(self.norm_q(self._split(self.to_q(x))), *context, mask)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return torch.unflatten(x, -1, (-1, self._head_width)).transpose(1, 2)

    def _attended(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: Mask, *, causal: bool = False
    ) -> torch.Tensor:
        if isinstance(mask, Band):
            made = mask.attended(queries, keys, values)
        else:
            made = F.scaled_dot_product_attention(
                queries, keys, values, attn_mask=mask, is_causal=causal, enable_gqa=True
            )
        mapped: torch.Tensor = self.to_out[0](made.transpose(1, 2).flatten(2))
        return mapped
