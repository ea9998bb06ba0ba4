"""Sizes of the networks. The module is free of torch."""

import math
from dataclasses import dataclass

from model.shared.networks.t5_config import T5Config


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes of the language model over sound tokens.

    The token `pad`, behind the `vocabulary` of a codebook, stands before and behind the song. Without `attends_text`
    the conditions stand before the columns, as in the melody models.
    """

    layers: int
    width: int
    heads: int
    hidden: int
    codebooks: int
    vocabulary: int
    channels: int
    attends_text: bool

    @property
    def pad(self) -> int:
        """The token where there is no frame."""
        return self.vocabulary

    @property
    def delays(self) -> tuple[int, ...]:
        """Columns by which each codebook is delayed (arXiv 2306.05284, section 2.2); the two codebooks of a channel
        pair have the same delay.
        """
        return tuple(codebook // self.channels for codebook in range(self.codebooks))

    @property
    def delay(self) -> int:
        """Columns by which the last codebook is delayed."""
        return self.delays[-1]


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """Sizes of the codec EnCodec (arXiv 2210.13438), non-causal, with one channel."""

    sample_rate: int
    filters: int
    width: int
    ratios: tuple[int, ...]
    codebooks: int
    codebook_size: int
    residual_layers: int
    kernel: int
    last_kernel: int
    residual_kernel: int
    dilation_growth: int
    compress: int
    lstm_layers: int
    shortcut: bool

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.ratios)

    @property
    def frames_per_second(self) -> float:
        """Frames of a second."""
        return self.sample_rate / self.hop

    @property
    def context(self) -> int:
        """Frames on either side of a frame that the decoder's layers after the recurrent ones depend on."""
        reach, rate = float(self.last_kernel // 2), 1
        seen = reach / self.hop
        for ratio in self.ratios:
            rate *= ratio
            residual = sum(
                self.dilation_growth**layer * (self.residual_kernel // 2) for layer in range(self.residual_layers)
            )
            seen += (math.ceil(ratio / 2) + residual) / rate
        return math.ceil(seen)

    @property
    def ahead(self) -> int:
        """Frames after a frame that must be known before it is decoded."""
        return self.kernel // 2 + self.context


@dataclass(frozen=True, slots=True)
class ChromaConfig:
    """The melody that a melody model reads: `length` classes of pitch, one for every `hop` samples of sound.

    They are found in `samples` samples, in windows of `window` samples.
    """

    classes: int
    length: int
    sample_rate: int
    samples: int
    window: int
    hop: int


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes of all networks of a checkpoint; `chroma` is `None` for a model that follows no melody."""

    decoder: DecoderConfig
    text: T5Config
    codec: CodecConfig
    chroma: ChromaConfig | None
