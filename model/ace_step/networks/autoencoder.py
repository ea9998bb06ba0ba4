"""The deep-compression autoencoder of mel frames (arXiv 2410.10733); parameter names are those of diffusers.

Each stage of the encoder halves both axes, bands and frames, and each stage of the decoder doubles both. A shortcut
without weights adds the stage's input, with channels averaged or repeated, to the output of the convolution.
"""

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step.networks.config import AutoencoderConfig, Stage

_NORM_EPSILON = 1e-5
_ATTENTION_EPSILON = 1e-15
_EXPANSION = 4
_FACTOR = 2


def _conv(inputs: int, outputs: int, stride: int = 1, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=bias)


class _ChannelNorm(nn.Module):
    """Root mean square normalisation of the channels of [rows, channels, height, width], with a bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # F.rms_norm would need the channels on the last axis, and so a second copy of `x` in float32.
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
        normed = (x * torch.rsqrt(length.square() / x.shape[1] + _NORM_EPSILON)).to(x.dtype)
        return torch.addcmul(self.bias[:, None, None], normed, self.weight[:, None, None])


class _ResBlock(nn.Module):
    """Residual block: two convolutions whose output is added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(channels, channels), _conv(channels, channels, bias=False)
        self.norm = _ChannelNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.norm(self.conv2(F.silu(self.conv1(x))))
        return made + x


class _Neighbourhood(nn.Module):
    """Aggregates the queries, keys and values of attention over neighbouring places, `kernel` bands and frames wide, by
    a convolution.
    """

    def __init__(self, channels: int, groups: int, kernel: int) -> None:
        super().__init__()
        self.proj_in = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
        self.proj_out = nn.Conv2d(channels, channels, 1, groups=groups, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.proj_out(self.proj_in(x))
        return made


class _LinearAttention(nn.Module):
    """Attention with ReLU in place of softmax (arXiv 2205.14756); its cost is linear in the number of places (bands
    times frames).
    """

    def __init__(self, channels: int, head_width: int, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self._head_width = head_width
        heads = channels // head_width
        inner = heads * head_width
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, inner, bias=False) for _ in range(3))
        self.to_qkv_multiscale = nn.ModuleList([_Neighbourhood(3 * inner, 3 * heads, kernel) for kernel in kernels])
        self.to_out = nn.Linear(inner * (1 + len(kernels)), channels, bias=False)
        self.norm_out = _ChannelNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        last = x.movedim(1, -1)
        own = torch.cat([self.to_q(last), self.to_k(last), self.to_v(last)], dim=-1).movedim(-1, 1)
        scales = torch.cat([own, *(gather(own) for gather in self.to_qkv_multiscale)], dim=1)
        heads = torch.unflatten(scales.float().flatten(2), 1, (-1, 3 * self._head_width))
        attended = torch.unflatten(self._attended(heads).flatten(1, 2), -1, x.shape[2:]).to(x.dtype)
        made: torch.Tensor = self.norm_out(self.to_out(attended.movedim(1, -1)).movedim(-1, 1))
        return made + x

    @staticmethod
    def _attended(scales: torch.Tensor) -> torch.Tensor:
        """Return the attention output [rows, heads, head width, places] of `scales`, the joined queries, keys and
        values [rows, heads, 3 * head width, places], float32.
        """
        query, key, value = scales.chunk(3, dim=2)
        # An additional value of 1 gives the sum of the attention weights, by which the other values are divided.
        sums = F.pad(value, (0, 0, 0, 1), value=1.0) @ F.relu(key).transpose(-1, -2) @ F.relu(query)
        return sums[:, :, :-1] / (sums[:, :, -1:] + _ATTENTION_EPSILON)


class _GatedConv(nn.Module):
    """Gated feed-forward layer after attention: a depthwise convolution between two pointwise convolutions, with a
    residual connection.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 2 * _EXPANSION * channels
        self.conv_inverted = nn.Conv2d(channels, hidden, 1)
        self.conv_depth = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.conv_point = nn.Conv2d(hidden // 2, channels, 1, bias=False)
        self.norm = _ChannelNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made, gate = self.conv_depth(F.silu(self.conv_inverted(x))).chunk(2, dim=1)
        normed: torch.Tensor = self.norm(self.conv_point(made * F.silu(gate)))
        return normed + x


class _AttentionBlock(nn.Module):
    def __init__(self, channels: int, head_width: int, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.attn = _LinearAttention(channels, head_width, kernels)
        self.conv_out = _GatedConv(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv_out(self.attn(x))
        return made


def _averaged(x: torch.Tensor, channels: int) -> torch.Tensor:
    """Return `x` [rows, channels, height, width] with its channels reduced to `channels`, each the mean of a group of
    neighbouring channels.
    """
    return torch.unflatten(x, 1, (channels, -1)).mean(dim=2)


class _Down(nn.Module):
    """Downsampling layer: halves both axes of [rows, channels, height, width], and changes the number of channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _conv(inputs, outputs, stride=_FACTOR)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv(x)
        return made + _averaged(F.pixel_unshuffle(x, _FACTOR), made.shape[1])


class _Up(nn.Module):
    """Upsampling layer: doubles both axes of [rows, channels, height, width], and changes the number of channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self._repeats = outputs * _FACTOR**2 // inputs
        self.conv = _conv(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv(F.interpolate(x, scale_factor=_FACTOR, mode="nearest"))
        return made + F.pixel_shuffle(x.repeat_interleave(self._repeats, dim=1), _FACTOR)


def _blocks(stage: Stage, head_width: int) -> list[nn.Module]:
    if stage.kernels is None:
        return [_ResBlock(stage.channels) for _ in range(stage.layers)]
    return [_AttentionBlock(stage.channels, head_width, stage.kernels) for _ in range(stage.layers)]


class Encoder(nn.Module):
    """Converts scaled mel frames [rows, channels of the sound, bands, frames] to latents [rows, latent channels,
    bands / 8, frames / 8].
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        stages = config.encoder
        self.conv_in = _conv(config.channels, stages[0].channels)
        blocks = [_blocks(stage, config.head_width) for stage in stages]
        for made, stage, after in zip(blocks, stages, stages[1:], strict=False):
            made.append(_Down(stage.channels, after.channels))
        self.down_blocks = nn.ModuleList([nn.Sequential(*made) for made in blocks])
        self.conv_out = _conv(stages[-1].channels, config.latent_channels)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return the latents [rows, latent channels, bands / 8, frames / 8] of scaled mel frames [rows, channels of the
        sound, bands, frames].
        """
        x = self.conv_in(mel)
        for stage in self.down_blocks:
            x = stage(x)
        latents: torch.Tensor = self.conv_out(x)
        return latents + _averaged(x, latents.shape[1])


class Decoder(nn.Module):
    """Converts latents [rows, latent channels, bands / 8, frames / 8] to scaled mel frames [rows, channels of the
    sound, bands, frames].
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        stages = config.decoder
        self._repeats = stages[-1].channels // config.latent_channels
        self.conv_in = _conv(config.latent_channels, stages[-1].channels)
        blocks = [_blocks(stage, config.head_width) for stage in stages]
        for made, stage, before in zip(blocks, stages, stages[1:], strict=False):
            made.insert(0, _Up(before.channels, stage.channels))
        self.up_blocks = nn.ModuleList([nn.Sequential(*made) for made in blocks])
        self.norm_out = _ChannelNorm(stages[0].channels)
        self.conv_out = _conv(stages[0].channels, config.channels)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the scaled mel frames [rows, channels of the sound, bands, frames] of latents [rows, latent channels,
        bands / 8, frames / 8].
        """
        x: torch.Tensor = self.conv_in(latents) + latents.repeat_interleave(self._repeats, dim=1)
        for stage in reversed(self.up_blocks):
            x = stage(x)
        mel: torch.Tensor = self.conv_out(F.relu(self.norm_out(x)))
        return mel


class Autoencoder(nn.Module):
    """The autoencoder of mel frames: an encoder to latents, and a decoder from latents to mel frames."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
