"""Converts latents to audio tokens, five per second, and back to latents; little more than melody and rhythm is
preserved.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step_15.networks.config import TokenConfig
from model.ace_step_15.networks.layers import Stack


class Quantizer(nn.Module):
    """Finite scalar quantisation (arXiv 2309.15505): rounds each element of a short vector to one of a few levels, in
    float32.
    """

    levels: torch.Tensor
    basis: torch.Tensor

    def __init__(self, levels: Sequence[int], width: int) -> None:
        super().__init__()
        self.project_in = nn.Linear(width, len(levels))
        self.project_out = nn.Linear(len(levels), width)
        self._levels = tuple(levels)

    @property
    def size(self) -> int:
        """Number of different codes of a token."""
        return int(torch.tensor(self._levels).prod())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the integer codes [..., tokens] of vectors [..., tokens, width]."""
        steps = self._steps(x.device)
        # The range of tanh is widened a little beyond the outermost levels, so that these can be reached.
        reach = 1.0 + 1.0 / steps
        bounded = (_in_float32(self.project_in, x) / reach).tanh() * reach
        digits = torch.floor(steps * (bounded.clamp(-1.0, 1.0) + 1.0) / 2.0 + 0.5)
        return (digits.long() * self._basis(x.device)).sum(dim=-1)

    def vectors(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the vectors [..., tokens, width] of codes [..., tokens]."""
        levels = torch.tensor(self._levels, device=codes.device)
        digits = (codes.unsqueeze(-1) // self._basis(codes.device)) % levels
        return _in_float32(self.project_out, digits * (2.0 / self._steps(codes.device)) - 1.0)

    def _steps(self, device: torch.device) -> torch.Tensor:
        return torch.tensor(self._levels, device=device, dtype=torch.float32) - 1.0

    def _basis(self, device: torch.device) -> torch.Tensor:
        return torch.tensor((1, *self._levels[:-1]), device=device).cumprod(dim=0)


class Pooler(Stack):
    """Pools the latent frames of an audio token to one vector: the output at a learned token that is placed before the
    frames.
    """

    def __init__(self, config: TokenConfig) -> None:
        super().__init__(config.stack, config.sliding)
        self.embed_tokens = nn.Linear(config.stack.width, config.stack.width)
        self.special_token = nn.Parameter(torch.empty(1, 1, config.stack.width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the pooled vectors [tokens, width] of embedded latent frames [tokens, frames per token, width]."""
        first = self.special_token.expand(x.shape[0], -1, -1)
        return self.through(torch.cat([first, self.embed_tokens(x)], dim=1))[:, 0]


class AudioTokenizer(nn.Module):
    """Audio tokenizer: converts latents to integer codes, one for each token."""

    def __init__(self, config: TokenConfig) -> None:
        super().__init__()
        self._pool = config.pool
        self.audio_acoustic_proj = nn.Linear(config.channels, config.stack.width)
        self.attention_pooler = Pooler(config)
        self.quantizer = Quantizer(config.levels, config.code_width)

    def forward(self, latents: torch.Tensor, silence: torch.Tensor) -> torch.Tensor:
        """Return the codes [tokens] of latents [frames, channels]; `silence`, latents with the same channels, fills up
        the last token.
        """
        filled = torch.cat([latents, silence[: -latents.shape[0] % self._pool]])
        weight = self.audio_acoustic_proj.weight
        vectors = self.audio_acoustic_proj(torch.unflatten(filled.to(weight.dtype), 0, (-1, self._pool)))
        codes: torch.Tensor = self.quantizer(self.attention_pooler(vectors))
        return codes


class AudioDetokenizer(Stack):
    """Audio detokenizer: converts the vectors of codes to latents."""

    def __init__(self, config: TokenConfig) -> None:
        super().__init__(config.stack, config.sliding)
        self.embed_tokens = nn.Linear(config.code_width, config.stack.width)
        self.special_tokens = nn.Parameter(torch.empty(1, config.pool, config.stack.width))
        self.proj_out = nn.Linear(config.stack.width, config.channels)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the latents [frames, channels], float32, of the codes' vectors [tokens, width]."""
        x = self.embed_tokens(vectors.to(self.proj_out.weight.dtype)).unsqueeze(1) + self.special_tokens
        latents: torch.Tensor = self.proj_out(self.through(x)).flatten(0, 1).float()
        return latents


def _in_float32(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    return F.linear(x.float(), linear.weight.float(), linear.bias.float())
