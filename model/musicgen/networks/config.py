"""Sizes of the networks of MusicGen. The module does not import torch."""

import math
from dataclasses import dataclass

from model.shared.networks.t5_config import T5Config


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes of the language model over audio tokens.

    The padding token `pad`, whose number follows those of the `vocabulary`, fills positions before and after the song.
    If `attends_text` is False, the conditions are a prefix of the token columns, as in the melody models.
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
        """The padding token, which fills positions of the token grid that have no frame."""
        return self.vocabulary

    @property
    def delays(self) -> tuple[int, ...]:
        """Number of columns by which each codebook is delayed (arXiv 2306.05284, section 2.2); the two codebooks of a
        pair of channels have the same delay.
        """
        return tuple(codebook // self.channels for codebook in range(self.codebooks))

    @property
    def delay(self) -> int:
        """Largest delay of a codebook in columns, that of the last codebook."""
        return self.delays[-1]


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """Sizes of the audio codec EnCodec (arXiv 2210.13438), non-causal, with one channel."""

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
        """Number of audio samples per frame."""
        return math.prod(self.ratios)

    @property
    def frames_per_second(self) -> float:
        """Number of frames per second of sound."""
        return self.sample_rate / self.hop

    @property
    def context(self) -> int:
        """Receptive field of the decoder's layers after the LSTM: the number of frames on either side of a frame that
        affect its samples.
        """
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
        """Number of frames after a frame whose codes must be known before the frame can be decoded."""
        return self.kernel // 2 + self.context


@dataclass(frozen=True, slots=True)
class ChromaConfig:
    """Sizes of the melody input of a melody model: `length` pitch classes, one for every `hop` samples of sound.

    The pitch classes are extracted from `samples` samples of sound, in windows of `window` samples.
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
