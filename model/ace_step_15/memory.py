"""Estimates the device memory of a song from the shapes of its tensors.

A song is prepared, denoised and decoded in order, and the largest of the three values counts. Only tensors are counted;
convolutions may need additional workspace.
"""

from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.networks.codec import WINDOW
from model.ace_step_15.networks.config import CodecConfig, StackConfig
from model.ace_step_15.sampling.trajectories import Contexts

_COPIES = 2
"""Copies of a song's keys and values while it is denoised: its own tensors, and its row in a batch."""

_STEP_TENSORS = 8
"""Approximate number of tensors as wide as a token in memory at once in a denoising step, besides two as wide as the
feed-forward layer.
"""

_CODEC_TENSORS = 6
"""Approximate number of tensors of the autoencoder's largest stage that are in memory at once."""


def song_bytes(networks: Networks, contexts: Contexts, cost: int) -> int:
    """Return the peak memory in bytes of a song, from its preparation to its rendering.

    `cost` is the number of tokens in all batch rows of a denoising step.
    """
    itemsize = networks.transformer.dtype.itemsize
    caches = sum(cache.memory_bytes for cache in contexts.all)
    step = step_bytes(networks.transformer.config.stack, itemsize, cost)
    return max(_COPIES * caches + step, caches + codec_bytes(networks.codec.config, itemsize))


def step_bytes(stack: StackConfig, itemsize: int, cost: int) -> int:
    """Return the peak memory in bytes of a denoising step with `cost` tokens, without the contexts.

    The attention scores are not counted, because the attention kernels do not store them.
    """
    return cost * (_STEP_TENSORS * stack.width + 2 * stack.hidden) * itemsize


def codec_bytes(config: CodecConfig, itemsize: int) -> int:
    """Return the peak memory in bytes of encoding or decoding one window of sound; `itemsize` is the size of a number
    in bytes.
    """
    largest, rate = config.decoder_width * config.multiples[-1], 1
    widths = (*reversed(config.multiples[:-1]), 1)
    for ratio, multiple in zip(reversed(config.ratios), widths, strict=True):
        rate *= ratio
        largest = max(largest, rate * max(config.decoder_width, config.encoder_width) * multiple)
    return _CODEC_TENSORS * (WINDOW + 2 * config.context) * largest * itemsize
