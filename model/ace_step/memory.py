"""Device memory that a section takes, counted from shapes.

A section is prepared, denoised and decoded one after the other: beside the keys and values that it keeps, the largest
of the three counts. The figures are of tensors alone; a convolution may want working memory on top.
"""

from collections.abc import Sequence

from model.ace_step.loading.networks import Networks
from model.ace_step.networks.codec import LATENT_SHAPE, MEL_FRAMES_PER_FRAME, WINDOW
from model.ace_step.networks.config import VocoderConfig
from model.ace_step.networks.transformer import ContextCache
from model.ace_step.networks.vocoder import CONTEXT_FRAMES

_STEP_TENSORS = 6
"""Tensors as wide as a feed-forward's inside, before its gate, that a step holds at once for each frame, about."""

_CODEC_TENSORS = 7.25
"""Tensors of the autoencoder's widest stage that live at once: 6.6 where it decodes, 7.0 where it encodes."""

_WINDOW_TENSORS = 12
"""Tensors of the vocoder's widest stage that live at once: 11.1."""

_SCORE_TENSORS = 5.5
"""Tensors of attention weights, [heads, tokens, tokens], that the lyric encoder holds at once: 5.2."""

_CHANNELS = 2
_FLOAT32_BYTES = 4


def section_bytes(
    networks: Networks, caches: Sequence[ContextCache], cost: int, frames: int, words: int, source_frames: int
) -> int:
    """Bytes that a section takes at most, from when it is prepared until it is rendered.

    `cost` are the frames of all rows of a step, `frames` those of the latents, `words` the tokens of the lyrics, and
    `source_frames` those of a recording (0 without one).
    """
    kept = [cache.memory_bytes for cache in caches]
    working = max(
        _preparing_bytes(networks, max(kept), words),
        _denoising_bytes(networks, cost),
        _autoencoder_bytes(networks, max(frames, source_frames)),
        _window_bytes(networks.codec.vocoder.config),
    )
    return sum(kept) + working


def _preparing_bytes(networks: Networks, cache: int, words: int) -> int:
    """The keys and values of all blocks a second time while they are joined; or, before them, the lyric encoder's."""
    transformer = networks.transformer
    scores = transformer.config.lyric.heads * words**2 * transformer.dtype.itemsize
    return max(cache, int(_SCORE_TENSORS * scores) - cache)


def _denoising_bytes(networks: Networks, cost: int) -> int:
    transformer = networks.transformer
    return cost * _STEP_TENSORS * 2 * transformer.config.hidden * transformer.dtype.itemsize


def _autoencoder_bytes(networks: Networks, frames: int) -> int:
    config = networks.codec.autoencoder.config
    width = max(config.decoder_block_out_channels[0], config.encoder_block_out_channels[0])
    bands, mel_frames = LATENT_SHAPE[1] * MEL_FRAMES_PER_FRAME, frames * MEL_FRAMES_PER_FRAME
    return int(_CODEC_TENSORS * width * bands * mel_frames * networks.transformer.dtype.itemsize)


def _window_bytes(config: VocoderConfig) -> int:
    rate, widest = 1, 0
    for stage, factor in enumerate(config.rates, 1):
        rate *= factor
        widest = max(widest, rate * (config.head_width >> stage))
    return _WINDOW_TENSORS * _CHANNELS * (WINDOW + 2 * CONTEXT_FRAMES) * widest * _FLOAT32_BYTES
