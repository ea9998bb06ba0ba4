"""The language model of MusicGen over audio tokens (arXiv 2306.05284); parameter names are those of the library
transformers.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F

from model.musicgen.networks.config import DecoderConfig
from model.shared.tokens.attention import attended
from model.shared.tokens.caches import Caches, CacheShape
from model.shared.tokens.network import Pass
from model.shared.tokens.sequences import TextCache

_BASE = 10_000.0


class Attention(nn.Module):
    """The linear projections of an attention layer: to queries, keys and values, and from the heads' outputs."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self._heads = config.heads
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (
            nn.Linear(config.width, config.width, bias=False) for _ in range(4)
        )

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` [..., tokens, width] split into heads, [..., heads, tokens, head width]."""
        return torch.unflatten(x, -1, (self._heads, -1)).transpose(-2, -3)

    def joined(self, made: torch.Tensor) -> torch.Tensor:
        """Return the heads' outputs [..., heads, tokens, head width] joined and projected to [..., tokens, width]."""
        mapped: torch.Tensor = self.out_proj(made.transpose(-2, -3).flatten(-2))
        return mapped


class Layer(nn.Module):
    """Transformer layer: self-attention, cross-attention to a text if the model has it, and a feed-forward layer, each
    with normalisation before it.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.self_attn_layer_norm = nn.LayerNorm(config.width)
        if config.attends_text:
            self.encoder_attn = Attention(config)
            self.encoder_attn_layer_norm = nn.LayerNorm(config.width)
        self.fc1 = nn.Linear(config.width, config.hidden, bias=False)
        self.fc2 = nn.Linear(config.hidden, config.width, bias=False)
        self.final_layer_norm = nn.LayerNorm(config.width)

    def fed_forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` plus the output of the normalised feed-forward layer for `x`, in the same shape."""
        made: torch.Tensor = x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))
        return made


class Decoder(nn.Module):
    """The language model: predicts the next column of audio tokens; implements
    `model.shared.tokens.network.TokenNetwork`.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        # Embedding tables are linear layers here, because the initialisers of nn.Embedding import torch's compiler.
        self.embed_tokens = nn.ModuleList(
            [nn.Linear(config.width, config.vocabulary + 1, bias=False) for _ in range(config.codebooks)]
        )
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.layers)])
        self.layer_norm = nn.LayerNorm(config.width)
        self.lm_heads = nn.ModuleList(
            [nn.Linear(config.width, config.vocabulary, bias=False) for _ in range(config.codebooks)]
        )

    @property
    def codebooks(self) -> int:
        """Number of codebooks, that is, of tokens in a column; see `TokenNetwork.codebooks`."""
        return self.config.codebooks

    @property
    def vocabulary(self) -> int:
        """Number of different codes of a codebook; see `TokenNetwork.vocabulary`."""
        return self.config.vocabulary

    @property
    def device(self) -> torch.device:
        """The device on which the weights are."""
        return self.layer_norm.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The data type of the weights."""
        return self.layer_norm.weight.dtype

    def cache_shape(self, length: int) -> CacheShape:
        """Return the shape of the key and value cache for `length` tokens; see `TokenNetwork.cache_shape`."""
        config = self.config
        return CacheShape(config.layers, config.heads, config.width // config.heads, length)

    def text_cache(self, states: torch.Tensor) -> TextCache:
        """Return the keys and values of an encoded text [1, tokens, width] in all layers."""
        attentions = [layer.encoder_attn for layer in self._layers]
        keys = torch.stack([each.split(each.k_proj(states)) for each in attentions])
        values = torch.stack([each.split(each.v_proj(states)) for each in attentions])
        return keys, values

    def prefill(
        self, prefix: torch.Tensor | None, columns: torch.Tensor, texts: Sequence[TextCache | None], caches: Caches
    ) -> None:
        """Compute the keys and values of the prefix and the known token columns, and write them into `caches`; see
        `TokenNetwork.prefill`.
        """
        embedded = self._embedded(columns.transpose(0, 1))[None].expand(len(texts), -1, -1)
        x = embedded if prefix is None else torch.cat([prefix.to(self.dtype), embedded], dim=1)
        x = x + self._positions(torch.arange(x.shape[1], device=x.device))
        for number, layer in enumerate(self._layers):
            attention, normed = layer.self_attn, layer.self_attn_layer_norm(x)
            keys, values = attention.split(attention.k_proj(normed)), attention.split(attention.v_proj(normed))
            caches.fill(number, keys.shape[0], keys, values)
            queries = attention.split(attention.q_proj(normed))
            x = x + attention.joined(F.scaled_dot_product_attention(queries, keys, values, is_causal=True))
            if self.config.attends_text:
                x = x + self._read(layer, number, x, texts)
            x = layer.fed_forward(x)

    def tick(self, tokens: torch.Tensor, places: torch.Tensor, seen: Pass) -> torch.Tensor:
        """Return the logits [rows, codebooks, vocabulary] of the next column of tokens for every row; see
        `TokenNetwork.tick`.
        """
        x = self._embedded(tokens) + self._positions(places)
        for number, layer in enumerate(self._layers):
            attention, normed = layer.self_attn, layer.self_attn_layer_norm(x)
            keys, values, queries = (
                torch.unflatten(each(normed), -1, (self.config.heads, -1))
                for each in (attention.k_proj, attention.v_proj, attention.q_proj)
            )
            seen.own.write(number, places, keys, values)
            made = attended(queries[:, :, None], seen.own.keys[number], seen.own.values[number], seen.own_spans)
            x = x + attention.out_proj(made.flatten(1))
            if seen.text is not None:
                attention = layer.encoder_attn
                asked = torch.unflatten(attention.q_proj(layer.encoder_attn_layer_norm(x)), -1, (self.config.heads, -1))
                made = attended(asked[:, :, None], seen.text.keys[number], seen.text.values[number], seen.text_spans)
                x = x + attention.out_proj(made.flatten(1))
            x = layer.fed_forward(x)
        normed = self.layer_norm(x)
        return torch.stack([head(normed) for head in self.lm_heads], dim=1).float()

    @property
    def _layers(self) -> list[Layer]:
        return [cast(Layer, layer) for layer in self.layers]

    def _embedded(self, columns: torch.Tensor) -> torch.Tensor:
        """Return the embeddings [columns, width] of token columns [columns, codebooks], summed over the codebooks."""
        weights = [cast(nn.Linear, embedding).weight for embedding in self.embed_tokens]
        made = F.embedding(columns[:, 0], weights[0])
        for codebook, weight in enumerate(weights[1:], 1):
            made = made + F.embedding(columns[:, codebook], weight)
        return made

    def _positions(self, places: torch.Tensor) -> torch.Tensor:
        """Return the sinusoidal embeddings [places, width] of the positions `places`: cosines, then sines (arXiv
        1706.03762, section 3.5).
        """
        half = self.config.width // 2
        exponents = torch.arange(half, device=places.device).float() * -(math.log(_BASE) / (half - 1))
        angles = places.float()[:, None] * torch.exp(exponents)
        return torch.cat([angles.cos(), angles.sin()], dim=1).to(self.dtype)

    def _read(self, layer: Layer, number: int, x: torch.Tensor, texts: Sequence[TextCache | None]) -> torch.Tensor:
        """Return the cross-attention output of each row of `x` [rows, tokens, width] over its text; zero for a row
        without a text. `number` is the index of `layer`.
        """
        made = torch.zeros_like(x)
        attention = layer.encoder_attn
        for row, text in enumerate(texts):
            if text is not None:
                keys, values = text[0][number], text[1][number]
                queries = attention.split(attention.q_proj(layer.encoder_attn_layer_norm(x[row : row + 1])))
                made[row] = attention.joined(F.scaled_dot_product_attention(queries, keys, values))[0]
        return made
