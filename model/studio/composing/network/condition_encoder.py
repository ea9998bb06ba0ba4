"""Encodes the inputs of the score network that are constant over the denoising steps: conditions and known tokens."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.studio.composing.conditions import (
    DENSITIES,
    MODES,
    POSITIONS,
    REGISTERS,
    TEMPOS,
    Conditions,
    Hint,
    Style,
    TokenKind,
)
from model.studio.composing.network.config import SLOTS, ScoreNetworkConfig
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT


@dataclass(frozen=True, slots=True)
class Known:
    """The token classes that are given: indices `melody` [batch, beats, 4] and `chords` [batch, beats], and `mask`
    [batch, beats, 5], which is 1 where the class is given and 0 where the network predicts the class.
    """

    melody: Tensor
    chords: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Encoded:
    """The conditions and known token classes of a batch, encoded as vectors that are constant over the denoising steps:
    `tokens` [batch, beats, width] and `song` [batch, width].
    """

    tokens: Tensor
    song: Tensor


class ConditionEncoder(nn.Module):
    """Encodes the conditions and the known token classes of a batch as vectors, once for all denoising steps."""

    def __init__(self, config: ScoreNetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.known = nn.Linear(config.latent + SLOTS, width)
        self.hint = nn.Embedding(STEPS_PER_BEAT * len(Hint), width)
        self.beat = nn.Embedding(BEATS_PER_BAR, width)
        self.bar = nn.Embedding(POSITIONS, width)
        self.left = nn.Embedding(POSITIONS, width)
        self.kind = nn.Embedding(len(TokenKind), width)
        self.density = nn.Embedding(DENSITIES, width)
        self.register = nn.Embedding(REGISTERS, width)
        self.mode = nn.Embedding(MODES, width)
        self.tempo = nn.Embedding(TEMPOS, width)
        self.style = nn.Embedding(len(Style), width)

    def forward(self, conditions: Conditions, clean: Tensor, mask: Tensor) -> Encoded:
        """Return the encoded `conditions` together with the known part of the latent, `clean` [batch, beats, latent],
        and its `mask` [batch, beats, 5].
        """
        c = conditions
        slots = torch.arange(STEPS_PER_BEAT, device=c.hint.device) * len(Hint)
        song = self.mode(c.mode) + self.tempo(c.tempo) + self.style(c.style)
        places = self.beat(c.beat) + self.bar(c.bar) + self.left(c.left)
        requested = (
            self.kind(c.kind) + self.density(c.density) + self.register(c.register) + self.hint(c.hint + slots).sum(2)
        )
        return Encoded(places + requested + self.known(torch.cat([clean, mask], -1)) + song[:, None], song)
