"""Defines the score network: a linear-attention diffusion transformer over one token per beat.

The classes of a token are embedded into continuous vectors and noised along a straight path; the network predicts class
distributions, whose expected embedding is the predicted clean latent (Dieleman et al., "Continuous diffusion for
categorical data", 2022). Time and song-wide conditions enter through adaptive layer norms shared by all blocks
(AdaLN-single, Chen et al., "PixArt-alpha", 2023).
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.studio.composing.conditions import Conditions
from model.studio.composing.network.blocks import Block
from model.studio.composing.network.condition_encoder import ConditionEncoder, Encoded, Known
from model.studio.composing.network.config import ScoreNetworkConfig
from model.studio.composing.tokens import CHORD_CLASSES, FIRST_PITCH, MELODY_CLASSES
from model.studio.notation.score import STEPS_PER_BEAT

ONSET_WEIGHT = 3.0
"""Weight of an onset in training relative to a rest or a hold. It makes the trained network predict too many onsets,
which `Logits.unweighted` corrects.
"""

_CLASS_WEIGHTS = math.log(ONSET_WEIGHT) * (torch.arange(MELODY_CLASSES) >= FIRST_PITCH)

_SCALES = torch.tensor([0.0, 1.0, 0.0] * 2)[:, None]
"""Constant that is added to the modulation (shift, scale and gate of both halves of a block), which puts the scales
around 1.
"""

_TIME_WAVES = 64


@dataclass(frozen=True, slots=True)
class Logits:
    """The network's predicted logits of the token classes: `melody` [batch, beats, 4, 39] and `chords` [batch, beats,
    37].
    """

    melody: Tensor
    chords: Tensor

    def unweighted(self) -> "Logits":
        """Return the logits without the effect of `ONSET_WEIGHT`, the class weight of note onsets in training."""
        return Logits(self.melody - _CLASS_WEIGHTS, self.chords)


class ScoreNetwork(nn.Module):
    """Predicts the token classes of a section's score from a noised latent; the module's docstring describes the
    architecture.
    """

    def __init__(self, config: ScoreNetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.melody_table = nn.Parameter(torch.randn(MELODY_CLASSES, config.embedding))
        self.chord_table = nn.Parameter(torch.randn(CHORD_CLASSES, config.embedding))
        self.encoder = ConditionEncoder(config)
        self.read_latent = nn.Linear(2 * config.latent, config.width, bias=False)
        self.time = nn.Sequential(
            nn.Linear(2 * _TIME_WAVES, config.width), nn.SiLU(), nn.Linear(config.width, config.width)
        )
        modulate = nn.Linear(config.width, 6 * config.width)
        nn.init.zeros_(modulate.weight)
        nn.init.zeros_(modulate.bias)
        self.modulate = nn.Sequential(nn.SiLU(), modulate)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width)
        self.classify = nn.Linear(config.width, STEPS_PER_BEAT * MELODY_CLASSES + CHORD_CLASSES)
        self._fixed_tables: tuple[Tensor, Tensor] | None = None

    def fixed(self) -> "ScoreNetwork":
        """Prepare this network for inference and return it; its weights must not change any more.

        Weights that are multiplied with all beats get the fastest memory layout, which does not change any bit of these
        products.
        """
        self.eval().requires_grad_(False)
        for module in (*self.blocks.modules(), self.read_latent, self.classify):
            if isinstance(module, nn.Linear):
                module.weight.data = module.weight.data.t().contiguous().t()
        self._fixed_tables = self._tables()
        return self

    def embed(self, melody: Tensor, chords: Tensor) -> Tensor:
        """Return the latent [batch, beats, latent] of the token classes `melody` [batch, beats, 4] and `chords` [batch,
        beats].
        """
        melody_table, chord_table = self._tables()
        return torch.cat([melody_table[melody].flatten(2), chord_table[chords]], -1)

    def expected(self, melody: Tensor, chords: Tensor) -> Tensor:
        """Return the expected latent [batch, beats, latent] for given probabilities of the melody classes, `melody`
        [batch, beats, 4, 39], and of the chord classes, `chords` [batch, beats, 37].
        """
        melody_table, chord_table = self._tables()
        return torch.cat([(melody @ melody_table).flatten(2), chords @ chord_table], -1)

    def latent_mask(self, mask: Tensor) -> Tensor:
        """Return the mask of the latent's channels, [batch, beats, latent], from the mask of the five classes of each
        token, [batch, beats, 5].
        """
        return mask.repeat_interleave(self.config.embedding, -1)

    def encode(self, conditions: Conditions, known: Known) -> Encoded:
        """Return the conditions and the known token classes encoded as vectors, which stay the same for all denoising
        steps.
        """
        clean = self.embed(known.melody, known.chords) * self.latent_mask(known.mask)
        encoded: Encoded = self.encoder(conditions, clean, known.mask)
        return encoded

    def modulation(self, time: Tensor, song: Tensor) -> Tensor:
        """Return the modulation (shifts, scales and gates) of every block, [batch, blocks, 6, width]. `time` [batch] is
        the diffusion time (1 is noise, 0 data), `song` [batch, width] the encoded conditions of the whole song.
        """
        shared: Tensor = self.modulate(self.time(_time_waves(time)) + song).unflatten(-1, (1, 6, -1))
        own = torch.stack([cast(Block, block).modulation for block in self.blocks])
        return shared + own + _SCALES

    def forward(
        self, latent: Tensor, guess: Tensor, modulation: Tensor, tokens: Tensor, valid: Tensor | None = None
    ) -> Logits:
        """Return the predicted logits of the token classes of a batch.

        Args:
            latent: [batch, beats, latent], noised, except for the known classes.
            guess: the expected latent predicted one step before, zeros at the first step (self-conditioning, Chen et
                al., "Analog Bits", 2022).
            modulation: result of `modulation` for the times of this batch (1 is noise, 0 data).
            tokens: [batch, beats, width], result of `encode` for this batch.
            valid: [batch, beats], 0 for padding; `None` when nothing is padded.
        """
        tokens = tokens + self.read_latent(torch.cat([latent, guess], -1))
        for block, own in zip(self.blocks, modulation.unbind(1), strict=True):
            tokens = block(tokens, own, valid)
        out = self.classify(self.norm(tokens))
        melody, chords = out.split([STEPS_PER_BEAT * MELODY_CLASSES, CHORD_CLASSES], -1)
        return Logits(melody.unflatten(-1, (STEPS_PER_BEAT, MELODY_CLASSES)), chords)

    def _tables(self) -> tuple[Tensor, Tensor]:
        if self._fixed_tables is not None:
            return self._fixed_tables
        scale = math.sqrt(self.config.embedding)
        return F.normalize(self.melody_table, dim=-1) * scale, F.normalize(self.chord_table, dim=-1) * scale


def _time_waves(time: Tensor) -> Tensor:
    rates = torch.exp(torch.arange(_TIME_WAVES, device=time.device) * (-math.log(1000.0) / (_TIME_WAVES - 1)))
    angles = time[:, None] * 100 * rates
    return torch.cat([torch.sin(angles), torch.cos(angles)], -1)
