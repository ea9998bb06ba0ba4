"""Estimates the device memory of a section from the shapes of its tensors.

The buffers that songs share are allocated when the engine is loaded and are not counted. Only tensors are counted, at
their peak.
"""

import torch

from model.musicgen.networks.config import CodecConfig, ModelConfig
from model.musicgen.rendering import LONGEST_SECONDS
from model.shared.tokens.caches import CacheShape

_CODEC_TENSORS = 4
"""Approximate number of tensors of the codec's largest stage that are in memory at once."""


def section_bytes(
    config: ModelConfig, own: CacheShape, text: CacheShape | None, rows: int, ticks: int, dtype: torch.dtype
) -> int:
    """Return the peak memory in bytes of a section with `rows` batch rows: a copy of its keys and values (`own`)
    outside the shared buffers, those of its text, the noise of a step of `ticks` columns of tokens, and the decoding of
    a window of sound.
    """
    kept = own.row_bytes(dtype) * rows
    read = 0 if text is None else text.row_bytes(dtype)
    drawn = ticks * config.decoder.codebooks * config.decoder.vocabulary * torch.float32.itemsize
    return kept + read + drawn + codec_bytes(config.codec, config.decoder.channels)


def codec_bytes(config: CodecConfig, channels: int) -> int:
    """Return the peak memory in bytes of decoding a window of sound; the last layers need the most."""
    frames = LONGEST_SECONDS * config.frames_per_second + 2 * config.context
    widest, rate = 0, 1
    width = config.filters * 2 ** len(config.ratios)
    for ratio in config.ratios:
        rate, width = rate * ratio, width // 2
        widest = max(widest, rate * width)
    return round(_CODEC_TENSORS * channels * frames * widest * torch.float32.itemsize)
