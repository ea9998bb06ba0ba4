"""The denoiser of ACE-Step v1 (arXiv 2506.00045, section 3): a linear-attention diffusion transformer."""

import torch
from torch import nn

from model.ace_step.networks.attention import Table
from model.ace_step.networks.compiling import compile_block, mark_sizes
from model.ace_step.networks.config import TransformerConfig
from model.ace_step.networks.contexts import ContextBatch, ContextCache
from model.ace_step.networks.layers import Block, FinalLayer, PatchEmbed, TimestepEmbedder
from model.ace_step.networks.lyric_encoder import LyricEncoder
from model.ace_step.networks.rope import tables

WEAKENED_BLOCKS = frozenset(range(15, 20))
ERG_FACTOR = 0.01


class Transformer(nn.Module):
    """Diffusion transformer: predicts the velocity of noisy latents under a context. Parameter names are those of the
    released weights, without those that are only used in training.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self._compiled = False
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
        """The device on which the weights are."""
        return self.genre_embedder.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The data type of the weights."""
        return self.genre_embedder.weight.dtype

    def context(
        self,
        text: torch.Tensor,
        lyric_ids: torch.Tensor,
        lyric_mask: torch.Tensor | None = None,
        weaken: float | None = None,
        speaker: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the context [rows, 1 + text tokens + lyric tokens, width] of a prompt and lyrics.

        `text` [rows, text tokens, text width] is the result of the text encoder; `lyric_ids` [rows, lyric tokens] may
        be empty. `speaker` [rows, speaker width] is the first token; `None` means zeros, the only value with which the
        released model is used. `weaken` is the factor by which ERG weakens the attention of the lyric encoder.
        """
        if speaker is None:
            speaker = text.new_zeros(text.shape[0], self.config.speaker_width)
        parts = [self.speaker_embedder(speaker).unsqueeze(1), self.genre_embedder(text)]
        if lyric_ids.shape[1]:
            encoded = self.lyric_encoder(self.lyric_embs(lyric_ids), lyric_mask, weaken)
            parts.append(self.lyric_proj(encoded))
        return torch.cat(parts, dim=1)

    def cached(self, context: torch.Tensor, sharpness: float = 1.0) -> ContextCache:
        """Return the keys and values of one context [1, tokens, width] in every block of the transformer; `sharpness`
        is stored with them.
        """
        positions = self.positions(context.shape[1])
        pairs = [block.cross_attn.key_value(context, positions) for block in self._blocks()]
        keys, values = (torch.cat(each) for each in zip(*pairs, strict=True))
        return ContextCache(keys, values, sharpness)

    def positions(self, count: int) -> Table:
        """Return the cosines and sines of the positions 0 to `count` - 1 for `rope.turn`."""
        stream = torch.cuda.current_stream(self.device).cuda_stream if self.device.type == "cuda" else 0
        return tables(count, self.config.head_width, self.config.rope_theta, self.device, self.dtype, stream)

    def compile_blocks(self, backend: str = "inductor") -> None:
        """Let torch compile the transformer blocks at their first call with the compiler `backend`; after that,
        adapters cannot change the blocks.

        One compiled block serves all blocks, and all numbers of rows, frames and tokens, if `forward` always gets masks
        and sharpness; a single row has its own compiled block.
        """
        self._compiled = True
        for block in self._blocks():
            block.attn.join()
            compile_block(block, backend)

    def forward(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        contexts: ContextBatch,
        mask: torch.Tensor | None = None,
        positions: Table | None = None,
    ) -> torch.Tensor:
        """Return the predicted velocity [rows, channels, height, frames], float32, of `latents` of the same shape.

        `timesteps` [rows] are 1000 times the noise level of each row; `mask` [rows, frames] is 1 for frames and 0 for
        padding at the end, `None` without padding. Rows do not affect each other. `positions` is the result of the
        method `positions` for these frames; if it is `None`, it is computed.
        """
        frames = positions or self.positions(latents.shape[-1])
        mask = None if mask is None else mask.to(self.dtype)
        embedded = self.timestep_embedder(timesteps)
        time = torch.unflatten(self.t_block(embedded), -1, (6, -1))
        x = self.proj_in(latents.to(self.dtype), mask)
        weakened = contexts.sharpness
        plain = torch.ones_like(weakened) if self._compiled and weakened is not None else None
        pairs = contexts.blocks()
        if self._compiled:
            mark_sizes(x, time, frames, mask, pairs[0], contexts.mask, plain, weakened)
        for index, (block, pair) in enumerate(zip(self._blocks(), pairs, strict=True)):
            sharpness = weakened if index in WEAKENED_BLOCKS else plain
            x = block(x, time, frames, mask, pair, contexts.mask, sharpness)
        velocity: torch.Tensor = self.final_layer(x, embedded)
        return velocity

    def _blocks(self) -> list[Block]:
        return list(self.transformer_blocks)  # type: ignore[arg-type]
