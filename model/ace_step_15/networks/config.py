"""Sizes of the networks of ACE-Step 1.5. The module does not import torch."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Variant(StrEnum):
    """Variants of the released model, such as turbo and base, which differ in their defaults and tasks."""

    TURBO = "turbo"
    SFT = "sft"
    BASE = "base"


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Sizes of a stack of transformer layers; the defaults are those of the 2B model.

    `window` is the largest distance, in tokens, over which a layer with sliding attention attends.
    """

    width: int = 2048
    hidden: int = 6144
    heads: int = 16
    key_heads: int = 8
    head_width: int = 128
    epsilon: float = 1e-6
    theta: float = 1e6
    bias: bool = False
    window: int = 128


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """Sizes of the denoiser. `sliding` has one value per layer: True for sliding attention, False for attention to all
    tokens.
    """

    stack: StackConfig
    sliding: tuple[bool, ...]
    channels: int = 64
    patch: int = 2
    context_width: int = 2048
    variant: Variant = Variant.BASE


@dataclass(frozen=True, slots=True)
class ConditionConfig:
    """Sizes of the encoder of text, lyrics and timbre."""

    stack: StackConfig
    lyric_sliding: tuple[bool, ...]
    timbre_sliding: tuple[bool, ...]
    text_width: int = 1024
    channels: int = 64


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """Sizes of the audio tokenizer or detokenizer. One token stands for `pool` latent frames."""

    stack: StackConfig
    sliding: tuple[bool, ...]
    channels: int = 64
    pool: int = 5
    levels: tuple[int, ...] = (8, 8, 8, 5, 5, 5)
    code_width: int = 2048


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Sizes of the text encoder (Qwen3), in which every layer has causal attention to all earlier tokens."""

    stack: StackConfig
    layers: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """Sizes of the audio autoencoder (Oobleck); the defaults are those of the released model.

    `ratios` are the factors by which the encoder's blocks lower the sample rate; `multiples` are the factors of the
    blocks' widths.
    """

    encoder_width: int = 128
    decoder_width: int = 128
    channels: int = 64
    ratios: tuple[int, ...] = (2, 4, 4, 6, 10)
    multiples: tuple[int, ...] = (1, 2, 4, 8, 16)
    sound_channels: int = 2
    sample_rate: int = 48_000

    @property
    def hop(self) -> int:
        """Number of audio samples per latent frame."""
        return math.prod(self.ratios)

    @property
    def frames_per_second(self) -> float:
        """Number of latent frames per second of sound."""
        return self.sample_rate / self.hop

    @property
    def context(self) -> int:
        """Receptive field of the decoder in latent frames, on either side of a frame: 9 for the released weights.

        On either side the first convolution depends on 3 frames, and the last convolution on 3 samples of sound. A
        block depends on 1 sample at its input's rate and 3 * (1 + 3 + 9) samples at its output's rate.
        """
        reach, rate = 3.0, 1
        for ratio in reversed(self.ratios):
            reach += (1 + 39 / ratio) / rate
            rate *= ratio
        return math.ceil(reach + 3 / rate)
