"""Defines the transformer blocks of the score network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.studio.composing.network.config import ScoreNetworkConfig
from model.studio.composing.network.linear_attention import LinearAttention
from model.studio.notation.score import BEATS_PER_BAR

_FIRST_GATE = 0.5


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
