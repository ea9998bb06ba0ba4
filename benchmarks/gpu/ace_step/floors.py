"""Computes the number of operations of a forward pass of the transformer from its sizes."""

from model.ace_step.networks.config import TransformerConfig

PEAK_TFLOP_PER_S = 989.0
"""Dense bf16 peak rate of an H100 or H200 (SXM) according to the manufacturer."""

_TERA = 1e12


def tflop(config: TransformerConfig, frames: int, tokens: int) -> float:
    """Return the TFLOP of a forward pass for one row of `frames` latent frames with `tokens` tokens of context.

    A multiplication with an addition counts two. The number grows linearly with the frames, because attention among
    frames is linear.
    """
    width, hidden = config.width, config.hidden
    among_frames = 2 * 4 * width * width + 2 * 2 * width * config.head_width + 2 * width
    to_context = 2 * 2 * width * width + 2 * 2 * tokens * width
    feed_forward = 2 * width * 2 * hidden + 2 * hidden * width
    height = config.channels * config.height
    ends = 2 * height * config.patch_width + 2 * config.patch_width * width + 2 * width * height
    return frames * (config.layers * (among_frames + to_context + feed_forward) + ends) / _TERA
