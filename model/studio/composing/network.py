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
from model.studio.composing.linear_attention import LinearAttention
from model.studio.composing.tokens import CHORD_CLASSES, FIRST_PITCH, MELODY_CLASSES
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT

SLOTS = STEPS_PER_BEAT + 1
"""Number of classes in a token that can be known or unknown: four melody steps and the chord."""

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
_FIRST_GATE = 0.5


@dataclass(frozen=True, slots=True)
class ScoreNetworkConfig:
    """Sizes of the score network. `link_bars` are the distances, in bars, of the earlier beats that `BeatLinks` adds to
    each beat.
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


def _shifted(tokens: Tensor, lags: tuple[int, ...]) -> Tensor:
    """Split the channels into one group for each lag, and delay each group by that many tokens; gaps are filled with
    zeros.
    """
    length, front = tokens.shape[1], max(lags)
    padded = F.pad(tokens, (0, 0, front, max(0, -min(lags))))
    groups = padded.chunk(len(lags), -1)
    return torch.cat([group[:, front - lag :][:, :length] for group, lag in zip(groups, lags, strict=True)], -1)


class BeatLinks(nn.Module):
    """Layer that adds linear projections of earlier beats to every beat: of the same beat `link_bars` bars before."""

    def __init__(self, width: int, link_width: int, link_bars: tuple[int, ...]) -> None:
        super().__init__()
        self.lags = tuple(BEATS_PER_BAR * bars for bars in link_bars)
        self.read = nn.Linear(width, link_width * len(link_bars), bias=False)
        self.write = nn.Linear(link_width * len(link_bars), width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the projections of the linked earlier beats for each beat, [batch, beats, width]."""
        out: Tensor = self.write(_shifted(self.read(tokens), self.lags))
        return out


class LocalMlp(nn.Module):
    """Gated two-layer network for each beat whose inner channels also read the beat before and the beat after."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.widen = nn.Linear(width, 2 * expansion * width)
        self.narrow = nn.Linear(expansion * width, width)

    def forward(self, tokens: Tensor, valid: Tensor | None) -> Tensor:
        """Return for each beat an output computed from the beat and both neighbours; `valid` [batch, beats] is 0 for
        padding.
        """
        value, gate = self.widen(tokens).chunk(2, -1)
        if valid is not None:
            value = value * valid[..., None]
        out: Tensor = self.narrow(_shifted(value, (1, 0, 0, -1)) * F.silu(gate))
        return out


class Block(nn.Module):
    """One transformer block: attention and beat links side by side, then `LocalMlp`, each with adaptive layer norm and
    a gate.
    """

    def __init__(self, config: ScoreNetworkConfig) -> None:
        super().__init__()
        self.width = (config.width,)
        self.attention = LinearAttention(config.width, config.heads)
        self.links = BeatLinks(config.width, config.link_width, config.link_bars) if config.link_bars else None
        self.mlp = LocalMlp(config.width, config.expansion)
        start = torch.tensor([0.0, 0.0, _FIRST_GATE] * 2)[:, None].expand(6, config.width)
        self.modulation = nn.Parameter(start.clone())
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor, modulation: Tensor, valid: Tensor | None) -> Tensor:
        """Return `tokens` [batch, beats, width] transformed by the block. `modulation` [batch, 6, width] holds the
        block's shifts, scales and gates; `valid` [batch, beats] is 0 for padding.
        """
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = modulation.unsqueeze(2).unbind(1)
        inner = self._modulated(tokens, shift_a, scale_a, valid)
        mixed = self.attention(inner, valid)
        if self.links is not None:
            mixed = mixed + self.links(inner)
        tokens = torch.addcmul(tokens, gate_a, mixed)
        inner = self._modulated(tokens, shift_m, scale_m, valid)
        return torch.addcmul(tokens, gate_m, self.dropout(self.mlp(inner, valid)))

    def _modulated(self, tokens: Tensor, shift: Tensor, scale: Tensor, valid: Tensor | None) -> Tensor:
        inner = torch.addcmul(shift, F.layer_norm(tokens, self.width), scale)
        return inner if valid is None else inner * valid[..., None]


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
