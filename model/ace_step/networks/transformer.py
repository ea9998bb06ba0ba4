"""The denoiser of ACE-Step v1 (arXiv 2506.00045, section 3): a linear-attention diffusion transformer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step.networks.attention import KeyValue, Table
from model.ace_step.networks.config import TransformerConfig
from model.ace_step.networks.layers import Block, FinalLayer, PatchEmbed, TimestepEmbedder
from model.ace_step.networks.lyric_encoder import LyricEncoder
from model.ace_step.networks.rope import tables

WEAKENED_BLOCKS = frozenset(range(15, 20))
ERG_FACTOR = 0.01


@dataclass(frozen=True, slots=True)
class ContextCache:
    """Keys and values of one context in every block: they serve every step of a song.

    Both [blocks, heads, tokens, head width]. `sharpness` multiplies the queries of `WEAKENED_BLOCKS`; 1 is plain.
    """

    keys: torch.Tensor
    values: torch.Tensor
    sharpness: float = 1.0

    @property
    def tokens(self) -> int:
        """Tokens of the context."""
        return self.keys.shape[2]

    @property
    def memory_bytes(self) -> int:
        """Device memory that the cache holds."""
        return 2 * self.keys.numel() * self.keys.element_size()


@dataclass(frozen=True, slots=True)
class ContextBatch:
    """The contexts of the rows of a batch, padded to one length when a block asks for them."""

    caches: Sequence[ContextCache]
    tokens: int
    mask: torch.Tensor | None
    sharpness: torch.Tensor | None

    @classmethod
    def of(cls, caches: Sequence[ContextCache], multiple: int = 1) -> "ContextBatch":
        """A batch with one row for each cache; its length is a multiple of `multiple`, so that shapes repeat."""
        device = caches[0].keys.device
        lengths = [cache.tokens for cache in caches]
        tokens = -(-max(lengths) // multiple) * multiple
        mask = None
        if min(lengths) < tokens:
            mask = torch.arange(tokens, device=device) < torch.tensor(lengths, device=device)[:, None]
        factors = [cache.sharpness for cache in caches]
        sharpness = torch.tensor(factors, device=device) if set(factors) != {1.0} else None
        return cls(caches, tokens, mask, sharpness)

    def block(self, index: int) -> KeyValue:
        """Keys and values for block `index`, each [rows, heads, tokens, head width]."""
        keys = [self._padded(cache.keys[index]) for cache in self.caches]
        values = [self._padded(cache.values[index]) for cache in self.caches]
        return torch.stack(keys), torch.stack(values)

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        missing = self.tokens - x.shape[-2]
        return F.pad(x, (0, 0, 0, missing)) if missing else x


class Transformer(nn.Module):
    """Velocity of latents under a context; parameter names are those of the released weights, dead ones left out."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.timestep_embedder = TimestepEmbedder(width)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.speaker_embedder = nn.Linear(config.speaker_width, width)
        self.genre_embedder = nn.Linear(config.text_width, width)
        self.lyric_embs = nn.Embedding(config.lyric_vocabulary, config.lyric.width)
        self.lyric_encoder = LyricEncoder(config.lyric)
        self.lyric_proj = nn.Linear(config.lyric.width, width)
        self.proj_in = PatchEmbed(config.channels, config.height, config.patch_width, width)
        self.transformer_blocks = nn.ModuleList(Block(width, config.heads, config.hidden) for _ in range(config.layers))
        self.final_layer = FinalLayer(width, config.channels, config.height)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.genre_embedder.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.genre_embedder.weight.dtype

    def context(
        self,
        text: torch.Tensor,
        lyric_ids: torch.Tensor,
        lyric_mask: torch.Tensor | None = None,
        weaken: float | None = None,
        speaker: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The context [rows, 1 + text tokens + lyric tokens, width].

        `text` [rows, text tokens, text width] comes from the text encoder, `lyric_ids` [rows, lyric tokens] may be
        empty. `speaker` [rows, speaker width] comes first; `None` is zeros, all that the released model ever was given.
        """
        if speaker is None:
            speaker = text.new_zeros(text.shape[0], self.config.speaker_width)
        parts = [self.speaker_embedder(speaker).unsqueeze(1), self.genre_embedder(text)]
        if lyric_ids.shape[1]:
            encoded = self.lyric_encoder(self.lyric_embs(lyric_ids), lyric_mask, weaken)
            parts.append(self.lyric_proj(encoded))
        return torch.cat(parts, dim=1)

    def cached(self, context: torch.Tensor, sharpness: float = 1.0) -> ContextCache:
        """Keys and values of one context [1, tokens, width] in every block."""
        positions = self._positions(context.shape[1])
        pairs = [block.cross_attn.key_value(context, positions) for block in self._blocks()]
        keys, values = (torch.cat(each) for each in zip(*pairs, strict=True))
        return ContextCache(keys, values, sharpness)

    def forward(
        self, latents: torch.Tensor, timesteps: torch.Tensor, contexts: ContextBatch, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Velocity [rows, channels, height, frames] of `latents` of the same shape, in the type of the weights.

        `timesteps` [rows] are 1000 times each row's own noise level; `mask` [rows, frames] is 1 for frames and 0 for
        padding at the end, `None` without padding. What a row gets does not depend on the others.
        """
        frames = self._positions(latents.shape[-1])
        mask = None if mask is None else mask.to(self.dtype)
        embedded = self.timestep_embedder(timesteps)
        time = torch.unflatten(self.t_block(embedded), -1, (6, -1))
        x = self.proj_in(latents.to(self.dtype), mask)
        for index, block in enumerate(self._blocks()):
            sharpness = contexts.sharpness if index in WEAKENED_BLOCKS else None
            x = block(x, time, frames, mask, contexts.block(index), contexts.mask, sharpness)
        velocity: torch.Tensor = self.final_layer(x, embedded)
        return velocity

    def _blocks(self) -> list[Block]:
        return list(self.transformer_blocks)  # type: ignore[arg-type]

    def _positions(self, count: int) -> Table:
        return tables(count, self.config.head_width, self.config.rope_theta, self.device, self.dtype)
