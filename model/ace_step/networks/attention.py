"""The two attentions of a block: linear among frames, softmax from frames to the context."""

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step.networks.rope import turn

Table = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines of positions, each [positions, head width]."""

KeyValue = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of a context, each [rows, heads, tokens, head width]."""

_EPSILON = 1e-15


class Projections(nn.Module):
    """The four linear maps of an attention, and how its heads are cut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, tokens, width] to [rows, heads, tokens, head width]."""
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(1, 2)

    def out(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, heads, tokens, head width] to [rows, tokens, width], and through the last map."""
        mapped: torch.Tensor = self.to_out[0](x.transpose(1, 2).flatten(2))
        return mapped


class LinearAttention(Projections):
    """ReLU linear attention (arXiv 2410.10629, section 2.2), over all frames in both directions."""

    def forward(self, x: torch.Tensor, frames: Table, mask: torch.Tensor | None) -> torch.Tensor:
        """`x` [rows, frames, width]; `mask` [rows, frames] is 1 for frames, 0 for padding, `None` without padding."""
        q = F.relu(turn(self.split(self.to_q(x)), *frames)).float()
        k = F.relu(turn(self.split(self.to_k(x)), *frames)).float()
        if mask is not None:
            k = k * mask[:, None, :, None]
        seen = k.transpose(-1, -2) @ self.split(self.to_v(x)).float()
        weight = q @ k.sum(dim=-2).unsqueeze(-1)
        return self.out((q @ seen / (weight + _EPSILON)).to(x.dtype))


class CrossAttention(Projections):
    """Softmax attention from frames to a context whose keys and values were made before."""

    def key_value(self, context: torch.Tensor, positions: Table) -> KeyValue:
        """Keys and values of a context [rows, tokens, width]; they serve every step."""
        return turn(self.split(self.to_k(context)), *positions), self.split(self.to_v(context))

    def forward(
        self,
        x: torch.Tensor,
        frames: Table,
        context: KeyValue,
        mask: torch.Tensor | None,
        sharpness: torch.Tensor | None,
    ) -> torch.Tensor:
        """`x` [rows, frames, width]; `mask` [rows, tokens] is True for tokens, False for padding.

        `sharpness` [rows] multiplies the queries: near 0, attention is spread evenly (ERG).
        """
        q = self.split(self.to_q(x))
        if sharpness is not None:
            q = q * sharpness[:, None, None, None].to(q.dtype)
        keys = None if mask is None else mask[:, None, None, :]
        return self.out(F.scaled_dot_product_attention(turn(q, *frames), *context, attn_mask=keys))
