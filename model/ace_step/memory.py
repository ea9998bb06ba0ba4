"""Estimates the device memory of a section from the shapes of its tensors.

A section is prepared, denoised and decoded in order, and the largest of the three values counts. Only tensors are
counted; convolutions may need additional workspace.
"""

from collections.abc import Sequence

from model.ace_step.frames import MEL_FRAMES_PER_FRAME
from model.ace_step.loading.networks import Networks
from model.ace_step.networks.codec import LATENT_SHAPE, WINDOW
from model.ace_step.networks.config import VocoderConfig
from model.ace_step.networks.contexts import ContextCache
from model.ace_step.networks.vocoder import CONTEXT_FRAMES

_STEP_TENSORS = 6
"""Approximate number of tensors in memory at once in a denoising step, each as wide as a feed-forward layer before its
gate.
"""

_CODEC_TENSORS = 6.05
"""Number of tensors of the autoencoder's widest stage that are in memory at once; measured: 5.5 when decoding, 6.0 when
encoding.
"""

_WINDOW_TENSORS = 12
"""Number of tensors of the vocoder's widest stage that are in memory at once; measured: 11.1."""

_SCORE_TENSORS = 5.5
"""Number of attention weight tensors, [heads, tokens, tokens], in memory at once in the lyric encoder;
measured: 5.2.
"""

_CHANNELS = 2
_FLOAT32_BYTES = 4


def section_bytes(
    networks: Networks, caches: Sequence[ContextCache], cost: int, frames: int, words: int, source_frames: int
) -> int:
    """Return the peak memory in bytes of a section, from its preparation to its rendering.

    `caches` are the keys and values of the section's contexts. `cost` is the number of latent frames in all batch rows
    of a denoising step, and `frames` that of one row. `words` is the number of lyric tokens, and `source_frames` that
    of the latent frames of a recording (0 without one).
    """
    return max(
        _preparing_bytes(networks, [cache.keys.nbytes + cache.values.nbytes for cache in caches], words, source_frames),
        _denoising_bytes(networks, [cache.memory_bytes for cache in caches], cost),
        _autoencoder_bytes(networks, frames),
        _window_bytes(networks.codec.vocoder.config),
    )


def _preparing_bytes(networks: Networks, caches: Sequence[int], words: int, source_frames: int) -> int:
    """Return the peak memory in bytes while a section's conditions are prepared: the keys and values of all contexts,
    and the largest of the temporary tensors.

    `caches` are the bytes of keys and values of each context, `words` is the number of lyric tokens, and
    `source_frames` the number of latent frames of the recording (0 without one). The temporary tensors are those of
    stacking one context's keys and values, of the lyric encoder, and of encoding a recording. While keys and values are
    stacked, their context is also in memory, half as large as the keys and values of a block. The lyric encoder has
    finished before the last keys and values are computed.
    """
    transformer = networks.transformer
    scores = transformer.config.lyric.heads * words**2 * transformer.dtype.itemsize
    largest = max(caches)
    encoding = int(_SCORE_TENSORS * scores) - largest
    joining = largest + largest // transformer.config.layers
    return sum(caches) + max(joining, encoding, _autoencoder_bytes(networks, source_frames))


def _denoising_bytes(networks: Networks, caches: Sequence[int], cost: int) -> int:
    transformer = networks.transformer
    return sum(caches) + cost * _STEP_TENSORS * 2 * transformer.config.hidden * transformer.dtype.itemsize


def _autoencoder_bytes(networks: Networks, frames: int) -> int:
    config = networks.codec.autoencoder.config
    width = max(config.decoder[0].channels, config.encoder[0].channels)
    bands, mel_frames = LATENT_SHAPE[1] * MEL_FRAMES_PER_FRAME, frames * MEL_FRAMES_PER_FRAME
    return int(_CODEC_TENSORS * width * bands * mel_frames * networks.transformer.dtype.itemsize)


def _window_bytes(config: VocoderConfig) -> int:
    rate, widest = 1, 0
    for stage, factor in enumerate(config.rates, 1):
        rate *= factor
        widest = max(widest, rate * (config.head_width >> stage))
    return _WINDOW_TENSORS * _CHANNELS * (WINDOW + 2 * CONTEXT_FRAMES) * widest * _FLOAT32_BYTES
