"""The encoder of lyric tokens: six layers of self-attention with relative positions."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step.networks.config import LyricEncoderConfig

WEAKENED_LAYERS = frozenset({4, 5})


def relative_positions(length: int, width: int, device: torch.device) -> torch.Tensor:
    """Return sinusoidal embeddings of the distances length - 1 down to 1 - length, float32 [2 length - 1, width].

    The embedding is that of Transformer-XL (arXiv 1901.02860), appendix B, with sines in the even columns and cosines
    in the odd ones.
    """
    distances = torch.arange(length - 1, -length, -1.0, device=device)
    exponents = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    angles = torch.outer(distances, torch.exp(-math.log(10_000.0) * exponents))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class LyricEncoder(nn.Module):
    """Encodes the embeddings of lyric tokens by layers of self-attention."""

    def __init__(self, config: LyricEncoderConfig) -> None:
        super().__init__()
        self.embed = nn.ModuleDict(
            {"out": nn.Sequential(nn.Linear(config.width, config.width), nn.LayerNorm(config.width))}
        )
        self.encoders = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.after_norm = nn.LayerNorm(config.width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None, weaken: float | None = None) -> torch.Tensor:
        """Return the encoded lyric tokens [rows, tokens, width] of embeddings `x` of the same shape. `mask` [rows,
        tokens] is True for tokens and False for padding; `weaken` is the factor by which ERG weakens attention, `None`
        for none.
        """
        x = self.embed["out"](x) * math.sqrt(x.shape[-1])
        positions = relative_positions(x.shape[1], x.shape[-1], x.device).to(x.dtype)
        for index, layer in enumerate(self.encoders):
            x = layer(x, positions, mask, weaken if index in WEAKENED_LAYERS else None)
        encoded: torch.Tensor = self.after_norm(x)
        return encoded


class Layer(nn.Module):
    """One layer of the lyric encoder: self-attention, then a feed-forward layer, each with normalisation before it."""

    def __init__(self, config: LyricEncoderConfig) -> None:
        super().__init__()
        self.self_attn = RelativeAttention(config.width, config.heads)
        self.feed_forward = FeedForward(config.width, config.hidden)
        self.norm_mha = nn.LayerNorm(config.width)
        self.norm_ff = nn.LayerNorm(config.width)

    def forward(
        self, x: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None, weaken: float | None
    ) -> torch.Tensor:
        """Return the layer's output for `x` [rows, tokens, width]; `positions` [2 tokens - 1, width] are embedded
        relative positions, and `weaken` is the factor by which ERG weakens attention.
        """
        x = x + self.self_attn(self.norm_mha(x), positions, mask, weaken)
        forward: torch.Tensor = self.feed_forward(self.norm_ff(x))
        return x + forward


class FeedForward(nn.Module):
    """Feed-forward layer: two linear layers with SiLU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.w_1 = nn.Linear(width, hidden)
        self.w_2 = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's output for `x` [..., width], in the same shape."""
        mapped: torch.Tensor = self.w_2(F.silu(self.w_1(x)))
        return mapped


class RelativeAttention(nn.Module):
    """Softmax attention with relative positions (arXiv 1901.02860, section 3.3)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.empty(heads, width // heads))
        self.pos_bias_v = nn.Parameter(torch.empty(heads, width // heads))

    def forward(
        self, x: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None, weaken: float | None
    ) -> torch.Tensor:
        """Return the self-attention output of `x` [rows, tokens, width], in the same shape; zeros for a row whose
        tokens are all masked. `weaken` is the factor by which ERG weakens attention, `None` for none.
        """
        q = self.linear_q(x)
        q = torch.unflatten(q if weaken is None else q * weaken, -1, (self.heads, -1))
        k, v = self._split(self.linear_k(x)), self._split(self.linear_v(x))
        p = self._split(self.linear_pos(positions).unsqueeze(0))
        content = (q + self.pos_bias_u).transpose(1, 2) @ k.transpose(-1, -2)
        place = _aligned((q + self.pos_bias_v).transpose(1, 2) @ p.transpose(-1, -2))
        scores = (content + place) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], -math.inf)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask[:, None, None, :], 0.0)
        attended: torch.Tensor = self.linear_out((weights @ v).transpose(1, 2).flatten(2))
        return attended

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(1, 2)


def _aligned(scores: torch.Tensor) -> torch.Tensor:
    """Return attention scores indexed by key, [..., n, n], from scores indexed by relative distance, [..., n, 2 n -
    1].
    """
    *rows, n, distances = scores.shape
    padded = F.pad(scores, (1, 0)).view(*rows, distances + 1, n)
    return padded[..., 1:, :].reshape(*rows, n, distances)[..., :n]
