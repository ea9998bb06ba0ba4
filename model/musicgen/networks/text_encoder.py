"""Encodes the prompt with the encoder of T5 (arXiv 1910.10683); parameter names are those of the library
transformers.
"""

import math
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F

from model.musicgen.networks.config import TextConfig


class _SelfAttention(nn.Module):
    def __init__(self, config: TextConfig, *, places: bool) -> None:
        super().__init__()
        self._heads = config.heads
        inner = config.heads * config.head_width
        self.q, self.k, self.v = (nn.Linear(config.width, inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, config.width, bias=False)
        if places:
            self.relative_attention_bias = nn.Linear(config.heads, config.buckets, bias=False)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        q, k, v = (torch.unflatten(each(x), -1, (self._heads, -1)).transpose(1, 2) for each in (self.q, self.k, self.v))
        made = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
        mapped: torch.Tensor = self.o(made.transpose(1, 2).flatten(2))
        return mapped


class _AttentionLayer(nn.Module):
    def __init__(self, config: TextConfig, *, places: bool) -> None:
        super().__init__()
        self.SelfAttention = _SelfAttention(config, places=places)
        self.layer_norm = nn.RMSNorm(config.width, eps=config.epsilon)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = x + self.SelfAttention(self.layer_norm(x), bias)
        return made


class _Dense(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.wi = nn.Linear(config.width, config.hidden, bias=False)
        self.wo = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.wo(F.relu(self.wi(x)))
        return made


class _DenseLayer(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.DenseReluDense = _Dense(config)
        self.layer_norm = nn.RMSNorm(config.width, eps=config.epsilon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = x + self.DenseReluDense(self.layer_norm(x))
        return made


class _Block(nn.Module):
    def __init__(self, config: TextConfig, *, places: bool) -> None:
        super().__init__()
        self.layer = nn.ModuleList([_AttentionLayer(config, places=places), _DenseLayer(config)])

    @property
    def attention(self) -> _AttentionLayer:
        return cast(_AttentionLayer, self.layer[0])

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.layer[1](self.attention(x, bias))
        return made


class TextEncoder(nn.Module):
    """Encodes the token ids of a text as vectors. Each text is encoded alone, without padding."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        # Embeddings are made as linear layers: their own initialisers import torch's compiler.
        self.shared = nn.Linear(config.width, config.vocabulary, bias=False)
        self.block = nn.ModuleList([_Block(config, places=layer == 0) for layer in range(config.layers)])
        self.final_layer_norm = nn.RMSNorm(config.width, eps=config.epsilon)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the encoded tokens [1, tokens, width] of token ids [1, tokens]."""
        x = F.embedding(ids, self.shared.weight)
        bias = self._bias(ids.shape[1])
        for block in self.block:
            x = block(x, bias)
        made: torch.Tensor = self.final_layer_norm(x)
        return made

    def _bias(self, tokens: int) -> torch.Tensor:
        """Return the attention bias [1, heads, tokens, tokens] by the distance between two tokens."""
        weight = cast(_Block, self.block[0]).attention.SelfAttention.relative_attention_bias.weight
        place = torch.arange(tokens, device=weight.device)
        bias = F.embedding(self._bucket(place[None] - place[:, None]), weight)
        return bias.permute(2, 0, 1)[None]

    def _bucket(self, distance: torch.Tensor) -> torch.Tensor:
        """Return the bucket (an index of the bias table) of each distance between tokens: half of the buckets for each
        direction, one for each small distance, and wider ones for large distances.
        """
        half = self.config.buckets // 2
        near = half // 2
        away = distance.abs()
        far = torch.log(away.clamp(min=1).float() / near) / math.log(self.config.farthest / near) * (half - near)
        number = torch.where(away < near, away, (near + far.long()).clamp(max=half - 1))
        return number + half * (distance > 0)
