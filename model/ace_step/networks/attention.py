"""The two attention layers of a block: linear attention among the latent frames, and softmax cross-attention from
frames to the context.
"""

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
    """The four linear layers of attention (for queries, keys, values and output); base class of the attention
    layers.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` [rows, tokens, width] split into heads, [rows, heads, tokens, head width]."""
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(1, 2)

    def out(self, x: torch.Tensor) -> torch.Tensor:
        """Merge the heads of `x` [rows, heads, tokens, head width], and return the result of the output layer, [rows,
        tokens, width].
        """
        mapped: torch.Tensor = self.to_out[0](x.transpose(1, 2).flatten(2))
        return mapped


class LinearAttention(Projections):
    """Self-attention layer with ReLU linear attention (arXiv 2410.10629, section 2.2), over all frames in both
    directions.
    """

    joined_weight: torch.Tensor | None
    joined_bias: torch.Tensor | None

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.register_buffer("joined_weight", None, persistent=False)
        self.register_buffer("joined_bias", None, persistent=False)

    def join(self) -> None:
        """Join the weights of queries, keys and values, so that `forward` computes all three by one matrix product;
        `to_q`, `to_k` and `to_v` are no longer called.

        The weights of these layers become views of the joined tensor, so that no weight is stored twice.
        """
        maps = (self.to_q, self.to_k, self.to_v)
        self.joined_weight = torch.cat([each.weight.detach() for each in maps])
        self.joined_bias = torch.cat([each.bias.detach() for each in maps])
        parts = zip(maps, self.joined_weight.chunk(3), self.joined_bias.chunk(3), strict=True)
        for each, weight, bias in parts:
            each.weight.data, each.bias.data = weight, bias

    def forward(self, x: torch.Tensor, frames: Table, mask: torch.Tensor | None) -> torch.Tensor:
        """Return the self-attention output of the frames `x` [rows, frames, width], in the same shape.

        `frames` are the cosines and sines of the frames' positions, the result of `rope.tables`. `mask` [rows, frames]
        is 1 for frames and 0 for padding, `None` without padding.
        """
        q, k, v = (self.split(each) for each in self._projected(x))
        q, k = F.relu(turn(q, *frames)), F.relu(turn(k, *frames))
        if mask is not None:
            k = k * mask[:, None, :, None]
        rows = x.shape[0]
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        seen = _product(k.transpose(1, 2), v)
        weight = (q * k.sum(dim=1, keepdim=True, dtype=torch.float32)).sum(dim=-1, keepdim=True)
        # The division comes before the product, so that the result has its final dtype and needs no further pass over
        # memory.
        attended = _product_with_wide((q / (weight + _EPSILON)).to(x.dtype), seen)
        return self.out(torch.unflatten(attended, 0, (rows, self.heads)))

    def _projected(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if self.joined_weight is None:
            return self.to_q(x), self.to_k(x), self.to_v(x)
        return F.linear(x, self.joined_weight, self.joined_bias).chunk(3, dim=-1)


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the matrix products of `a` [batch, n, k] and `b` [batch, k, m], summed and returned in float32.

    On CUDA, 16-bit numbers are multiplied without conversion, because tensor cores sum the products in float32.
    """
    if a.is_cuda and a.dtype != torch.float32:
        return torch.bmm(a, b, out_dtype=torch.float32)
    return torch.bmm(a.float(), b.float())


def _product_with_wide(a: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
    """Return the products of `a` [batch, n, k] and float32 `wide` [batch, k, m], in the dtype of `a`.

    With bfloat16, `wide` is split into the sum of two bfloat16 numbers, which keeps 16 of its 24 bits: five more than
    TF32, at the speed of bfloat16.
    """
    if a.dtype != torch.bfloat16:
        return torch.bmm(a, wide.to(a.dtype))
    high = _upper_bits(wide)
    return torch.baddbmm(torch.bmm(a, (wide - high).to(a.dtype)), a, high.to(a.dtype))


def _upper_bits(x: torch.Tensor) -> torch.Tensor:
    """Return float32 `x` truncated to the bits of bfloat16. The bits are masked, because a compiler may remove a
    conversion and its reverse.
    """
    return (x.view(torch.int32) & -0x10000).view(torch.float32)


class CrossAttention(Projections):
    """Cross-attention layer with softmax, from latent frames to a context whose keys and values are computed in
    advance.
    """

    def key_value(self, context: torch.Tensor, positions: Table) -> KeyValue:
        """Return the keys and values of a context [rows, tokens, width]; they are computed once for all denoising
        steps. `positions` are the cosines and sines of the tokens' positions, the result of `rope.tables`.
        """
        return turn(self.split(self.to_k(context)), *positions), self.split(self.to_v(context))

    def forward(
        self,
        x: torch.Tensor,
        frames: Table,
        context: KeyValue,
        mask: torch.Tensor | None,
        sharpness: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return the attention output of `x` [rows, frames, width] over a context, in the shape of `x`.

        `frames` are the cosines and sines of the frames' positions, the result of `rope.tables`; `context` are the keys
        and values that `key_value` returned. `mask` [rows, tokens] is True for tokens of the context, False for
        padding. `sharpness` [rows] multiplies the queries: near 0, attention is spread evenly (entropy rectifying
        guidance, ERG).
        """
        q = self.split(self.to_q(x))
        if sharpness is not None:
            q = q * sharpness[:, None, None, None].to(q.dtype)
        keys = None if mask is None else mask[:, None, None, :]
        return self.out(F.scaled_dot_product_attention(turn(q, *frames), *context, attn_mask=keys))
