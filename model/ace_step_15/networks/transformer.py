"""The denoiser of ACE-Step 1.5 (arXiv 2602.00744): a diffusion transformer over patches of latents."""

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step_15.networks.attention import positions
from model.ace_step_15.networks.config import TransformerConfig
from model.ace_step_15.networks.contexts import ContextBatch, ContextCache
from model.ace_step_15.networks.layers import Block, TimeEmbedding
from model.ace_step_15.networks.masks import below, sliding

_INPUTS = 3
"""Number of tensors that are joined per frame: source latents, mask, and noisy latents."""


class Transformer(nn.Module):
    """Diffusion transformer: predicts the velocity of noisy latents under a context; parameter names are those of
    diffusers' checkpoints.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        width, patch = config.stack.width, config.patch
        self.layers = nn.ModuleList([Block(config.stack) for _ in config.sliding])
        self.proj_in_conv = nn.Conv1d(_INPUTS * config.channels, width, patch, stride=patch)
        self.time_embed = TimeEmbedding(width)
        self.time_embed_r = TimeEmbedding(width)
        self.condition_embedder = nn.Linear(config.context_width, width)
        self.norm_out = nn.RMSNorm(width, eps=config.stack.epsilon)
        self.proj_out_conv = nn.ConvTranspose1d(width, config.channels, patch, stride=patch)
        self.scale_shift_table = nn.Parameter(torch.empty(1, 2, width))

    @property
    def device(self) -> torch.device:
        """The device on which the weights are."""
        return self.scale_shift_table.device

    @property
    def dtype(self) -> torch.dtype:
        """The data type of the weights."""
        return self.scale_shift_table.dtype

    def compile_blocks(self, backend: str = "inductor") -> None:
        """Let torch compile the transformer blocks at their first call with the compiler `backend`; after that,
        adapters cannot change the blocks.

        One compiled version is used for all blocks and all numbers of rows, frames and tokens, another one for a single
        row.
        """
        for block in self.layers:
            if isinstance(block, Block):
                block.compile_parts(backend)

    def cached(self, context: torch.Tensor) -> ContextCache:
        """Return the keys and values of one context [1, tokens, context width] in every block."""
        embedded = self.condition_embedder(context.to(self.dtype))
        pairs = [block.cross_attn.key_value(embedded) for block in self.layers if isinstance(block, Block)]
        return ContextCache(torch.cat([keys for keys, _ in pairs]), torch.cat([values for _, values in pairs]))

    def forward(
        self, latents: torch.Tensor, given: torch.Tensor, times: torch.Tensor, contexts: ContextBatch,
        lengths: torch.Tensor | None,
    ) -> torch.Tensor:  # fmt: skip
        """Return the predicted velocities [rows, frames, channels], float32, of `latents` of the same shape.

        `given` [rows, frames, 2 * channels] are the source latents and their mask; `times` [rows] are noise levels,
        float32. `lengths` [rows] are the numbers of frames without padding, `None` if no row is padded; a row's padding
        is zero in `latents` and `given`.
        """
        joined = torch.cat([given, latents], dim=-1).to(self.dtype).transpose(1, 2)
        frames, patch = joined.shape[-1], self.config.patch
        # Frames that do not fill a patch are padded with zeros, which belong to the row.
        # Contiguous like the outputs of the blocks, so that the first block uses the version compiled for the others.
        x = self.proj_in_conv(F.pad(joined, (0, -frames % patch))).transpose(1, 2).contiguous()
        time, modulations = self._embedded(times)
        tokens, stack = x.shape[1], self.config.stack
        full = None if lengths is None else below(-(-lengths // patch), tokens)
        filled = torch.full_like(times, tokens, dtype=torch.long) if lengths is None else -(-lengths // patch)
        band = sliding(filled, tokens, stack.window, full)
        table = positions(tokens, stack.head_width, stack.theta, x.device, x.dtype)
        for block, slides, context in zip(self.layers, self.config.sliding, contexts.blocks(), strict=True):
            x = block(x, modulations, table, band if slides else full, context, contexts.mask)
        shift, scale = (self.scale_shift_table + time.unsqueeze(1)).unsqueeze(2).unbind(1)
        x = self.proj_out_conv((self.norm_out(x) * (1 + scale) + shift).transpose(1, 2))
        velocities: torch.Tensor = x.transpose(1, 2)[:, :frames].float()
        return velocities

    def _embedded(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the embeddings [rows, width] and modulations [rows, 6, width] of the noise levels `times` [rows].

        Added to both is the embedding of the distance between noise level and target time, which is always 0 here.
        """
        here, modulations = self.time_embed(times)
        further, more = self.time_embed_r(torch.zeros_like(times[:1]))
        return here + further, modulations + more
