"""Compiles the transformer before the first song by running it, because compiling takes minutes."""

import torch

from model.ace_step.networks.contexts import BUCKET, ContextBatch, ContextCache, below
from model.ace_step.networks.transformer import Transformer
from model.shared.networks.compiling import compiled_now


def compile_now(transformer: Transformer) -> None:
    """Run the compiled blocks once with one row and once with two rows, so that torch compiles both versions of the
    blocks.

    Raises:
        EngineUnavailable: the compiler cannot be used.
    """

    def run() -> None:
        for rows in (1, 2):
            _run(transformer, rows)

    compiled_now(run)


def _run(transformer: Transformer, rows: int) -> None:
    """Run a forward pass of `rows` rows whose other sizes all differ, so that the compiler does not equate two of these
    sizes.
    """
    config, device = transformer.config, transformer.device
    frames, tokens = 2 * BUCKET, BUCKET
    latents = torch.zeros(rows, config.channels, config.height, frames, device=device)
    sizes = (config.layers, config.heads, tokens, config.head_width)
    zeros = torch.zeros(sizes, device=device, dtype=transformer.dtype)
    cache = ContextCache(zeros, zeros)
    lengths = torch.full((rows,), frames, device=device)
    transformer(latents, lengths.float(), ContextBatch.of([cache] * rows, masks=True), below(lengths, frames))
