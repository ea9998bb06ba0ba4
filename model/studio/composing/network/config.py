"""Defines the sizes of the score network."""

from dataclasses import dataclass

from model.studio.notation.score import STEPS_PER_BEAT

SLOTS = STEPS_PER_BEAT + 1
"""Number of classes in a token that can be known or unknown: four melody steps and the chord."""


@dataclass(frozen=True, slots=True)
class ScoreNetworkConfig:
    """Sizes of the score network.

    Attributes:
        width: channels of each token inside the network.
        blocks: number of transformer blocks.
        heads: attention heads of each block.
        expansion: inner channels of `LocalMlp`, as a multiple of `width`.
        embedding: channels of the embedding of one class; a token has five classes.
        link_bars: distances, in bars, of the earlier beats that `BeatLinks` adds to each beat.
        link_width: channels in which `BeatLinks` carries one earlier beat.
        dropout: share of channels that are set to zero in training.
    """

    width: int = 144
    blocks: int = 6
    heads: int = 6
    expansion: int = 2
    embedding: int = 16
    link_bars: tuple[int, ...] = (1, 2, 4, 8)
    link_width: int = 32
    dropout: float = 0.1

    @property
    def latent(self) -> int:
        """Width of the latent vector of one token (one beat), which is noised and denoised."""
        return SLOTS * self.embedding
