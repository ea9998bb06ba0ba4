"""The encoder of T5 (arXiv 1910.10683) and of its variants; parameter names are those of transformers' checkpoints."""

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F

from model.shared.networks.t5_config import T5Config


@dataclass(frozen=True, slots=True)
class _Positions:
    """Relative positions of tokens for attention: the bucket of the distance between each two tokens, [tokens, tokens],
    and the padding mask [rows, 1, 1, tokens], True for padding, or `None` without padding.
    """

    buckets: torch.Tensor
    padding: torch.Tensor | None

    def bias(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the bias that is added to the attention scores, [1 or rows, heads, tokens, tokens], from the table
        `weight` [buckets, heads].
        """
        bias = F.embedding(self.buckets, weight).permute(2, 0, 1)[None]
        return bias if self.padding is None else bias.masked_fill(self.padding, torch.finfo(bias.dtype).min)


class T5SelfAttention(nn.Module):
    """Self-attention without scaling of the scores; if `biased`, the layer holds the table of relative position
    biases.
    """

    def __init__(self, config: T5Config, *, biased: bool) -> None:
        super().__init__()
        self._heads = config.heads
        inner = config.heads * config.head_width
        self.q, self.k, self.v = (nn.Linear(config.width, inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, config.width, bias=False)
        if biased:
            self.relative_attention_bias = nn.Linear(config.heads, config.buckets, bias=False)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        q, k, v = (torch.unflatten(each(x), -1, (self._heads, -1)).transpose(1, 2) for each in (self.q, self.k, self.v))
        made = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
        mapped: torch.Tensor = self.o(made.transpose(1, 2).flatten(2))
        return mapped


class _AttentionLayer(nn.Module):
    def __init__(self, config: T5Config, *, biased: bool) -> None:
        super().__init__()
        self.SelfAttention = T5SelfAttention(config, biased=biased)
        self.layer_norm = nn.RMSNorm(config.width, eps=config.epsilon)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = x + self.SelfAttention(self.layer_norm(x), bias)
        return made


class _Dense(nn.Module):
    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.wi = nn.Linear(config.width, config.hidden, bias=False)
        self.wo = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.wo(F.relu(self.wi(x)))
        return made


class _GatedDense(nn.Module):
    """The gated feed-forward layer of T5 1.1 (arXiv 2002.05202), with GELU in the tanh approximation."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.wi_0, self.wi_1 = (nn.Linear(config.width, config.hidden, bias=False) for _ in range(2))
        self.wo = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.wo(F.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x))
        return made


class _DenseLayer(nn.Module):
    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.DenseReluDense = _GatedDense(config) if config.gated else _Dense(config)
        self.layer_norm = nn.RMSNorm(config.width, eps=config.epsilon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = x + self.DenseReluDense(self.layer_norm(x))
        return made


class _Block(nn.Module):
    def __init__(self, config: T5Config, *, biased: bool) -> None:
        super().__init__()
        self.layer = nn.ModuleList([_AttentionLayer(config, biased=biased), _DenseLayer(config)])

    @property
    def attention(self) -> _AttentionLayer:
        return cast(_AttentionLayer, self.layer[0])

    def bias(self, positions: _Positions) -> torch.Tensor:
        return positions.bias(self.attention.SelfAttention.relative_attention_bias.weight)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.layer[1](self.attention(x, bias))
        return made


class _Stack(nn.Module):
    """The stack of T5 encoder blocks. With `biases_in_every_layer` (UMT5) each block has its own relative position
    biases; otherwise all blocks use those of the first.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self._own_bias = config.biases_in_every_layer
        self.block = nn.ModuleList(
            [_Block(config, biased=layer == 0 or self._own_bias) for layer in range(config.layers)]
        )
        self.final_layer_norm = nn.RMSNorm(config.width, eps=config.epsilon)

    def forward(self, x: torch.Tensor, positions: _Positions) -> torch.Tensor:
        bias = cast(_Block, self.block[0]).bias(positions)
        for number, block in enumerate(self.block):
            own = number > 0 and self._own_bias
            x = block(x, cast(_Block, block).bias(positions) if own else bias)
        made: torch.Tensor = self.final_layer_norm(x)
        return made


class T5Encoder(nn.Module):
    """The T5 text encoder: converts the token ids of texts to vectors, one for each token."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        # Embedding tables are linear layers here, because the initialisers of nn.Embedding import torch's compiler.
        self.shared = nn.Linear(config.width, config.vocabulary, bias=False)
        self.encoder = _Stack(config)

    @property
    def device(self) -> torch.device:
        """The device on which the weights are."""
        return self.shared.weight.device

    def attentions(self) -> list[T5SelfAttention]:
        """Return the self-attention module of each layer, in order."""
        return [cast(_Block, block).attention.SelfAttention for block in self.encoder.block]

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return the encoded texts [rows, tokens, width] of token ids [rows, tokens]; `mask` [rows, tokens] is 0 for
        padding.
        """
        place = torch.arange(ids.shape[1], device=ids.device)
        padding = None if mask is None else (mask == 0)[:, None, None]
        positions = _Positions(self._bucket(place[None] - place[:, None]), padding)
        made: torch.Tensor = self.encoder(F.embedding(ids, self.shared.weight), positions)
        return made

    def _bucket(self, distance: torch.Tensor) -> torch.Tensor:
        """Return the bucket (an index of the bias table) of each distance between tokens. Half of the buckets are for
        each direction; small distances have a bucket each, large distances share wider buckets.
        """
        half = self.config.buckets // 2
        near = half // 2
        away = distance.abs()
        far = torch.log(away.clamp(min=1).float() / near) / math.log(self.config.farthest / near) * (half - near)
        number = torch.where(away < near, away, (near + far.long()).clamp(max=half - 1))
        return number + half * (distance > 0)
