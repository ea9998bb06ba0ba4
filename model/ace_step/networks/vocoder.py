"""The vocoder: converts log-mel frames to a waveform and back, with a ConvNeXt backbone, a HiFi-GAN head, and mel
analysis.
"""

import itertools
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step.networks.config import VocoderConfig
from model.shared.networks.window_decoder import decoded_windows

CONTEXT_FRAMES = 86
"""Number of mel frames to either side that affect the samples of a frame. A window decoded with these frames equals the
same samples decoded in one pass.
"""

_NORM_EPSILON = 1e-6


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of [rows, channels, frames]."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=_NORM_EPSILON)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` [rows, channels, frames] normalised over the channels, in the same shape."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ConvNextBlock(nn.Module):
    """ConvNeXt block (arXiv 2201.03545) with convolution along time."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=_NORM_EPSILON)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.empty(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output for `x` [rows, channels, frames], in the same shape."""
        inner = self.norm(self.dwconv(x).transpose(1, 2))
        inner = self.gamma * self.pwconv2(F.gelu(self.pwconv1(inner)))
        changed: torch.Tensor = x + inner.transpose(1, 2)
        return changed


class Backbone(nn.Module):
    """ConvNeXt network: converts mel frames to as many feature frames."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        widths, kernel = config.widths, config.kernel
        stem = nn.Conv1d(config.bands, widths[0], kernel, padding=kernel // 2, padding_mode="replicate")
        changes = [
            nn.Sequential(ChannelNorm(before), nn.Conv1d(before, after, 1))
            for before, after in itertools.pairwise(widths)
        ]
        self.channel_layers = nn.ModuleList([nn.Sequential(stem, ChannelNorm(widths[0])), *changes])
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNextBlock(width, kernel) for _ in range(depth)))
            for width, depth in zip(widths, config.depths, strict=True)
        )
        self.norm = ChannelNorm(widths[-1])

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Convert mel frames [rows, bands, frames] to features [rows, last width, frames]."""
        x = mel
        for change, stage in zip(self.channel_layers, self.stages, strict=True):
            x = stage(change(x))
        features: torch.Tensor = self.norm(x)
        return features


class ResidualBlock(nn.Module):
    """Residual block of dilated convolutions with one kernel size (arXiv 2010.05646, section 2.2)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel // 2)) for d in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output for `x` [rows, channels, samples], in the same shape."""
        for wide, narrow in zip(self.convs1, self.convs2, strict=True):
            x = x + narrow(F.silu(wide(F.silu(x))))
        return x


class Head(nn.Module):
    """HiFi-GAN head (arXiv 2010.05646) that converts feature frames to audio samples."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        width, kernels = config.head_width, config.block_kernels
        self.per_rate = len(kernels)
        self.conv_pre = nn.Conv1d(config.widths[-1], width, config.pre_kernel, padding=config.pre_kernel // 2)
        rates = list(zip(config.rates, config.rate_kernels, strict=True))
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(width >> i, width >> (i + 1), kernel, stride=rate, padding=(kernel - rate) // 2)
            for i, (rate, kernel) in enumerate(rates)
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width >> (i + 1), kernel, config.dilations) for i in range(len(rates)) for kernel in kernels
        )
        post = width >> len(rates)
        self.conv_post = nn.Conv1d(post, 1, config.post_kernel, padding=config.post_kernel // 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Convert features [rows, width, frames] to samples [rows, 1, samples] between -1 and 1."""
        x = self.conv_pre(features)
        for index, up in enumerate(self.ups):
            x = up(F.silu(x))
            first = index * self.per_rate
            blocks = [self.resblocks[first + offset](x) for offset in range(self.per_rate)]
            x = torch.stack(blocks).mean(dim=0)
        return torch.tanh(self.conv_post(F.silu(x)))


class Vocoder(nn.Module):
    """Converts log-mel frames to audio samples. Parameter names are those of the released weights, with weight
    normalisation folded in.
    """

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.head = Head(config)
        self.mel_transform = MelTransform(config)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Convert log-mel frames [rows, bands, frames] to samples [rows, 1, hop * frames]."""
        samples: torch.Tensor = self.head(self.backbone(mel))
        return samples

    def windows(
        self, mel: torch.Tensor, lengths: Iterator[int], start: int = 0, end: int | None = None
    ) -> Iterator[torch.Tensor]:
        """Yield the vocoder's samples in windows of `lengths` mel frames, each [rows, 1, hop * length]; the samples
        equal those of `forward`.

        Only the frames from `start` to `end` of `mel` [rows, bands, frames] are decoded.
        """
        return decoded_windows(self, mel, lengths, context=CONTEXT_FRAMES, hop=self.config.hop, start=start, end=end)


MEL_FRAMES_AT_ONCE = 1024
"""Number of frames whose spectra are in memory at the same time: twelve seconds of sound."""


class Held(nn.Module):
    """A module that stores one constant tensor under its name in the released weights."""

    def __init__(self, name: str, *shape: int) -> None:
        super().__init__()
        self.register_buffer(name, torch.empty(*shape))


class MelTransform(nn.Module):
    """Converts samples to log-mel frames, in float32; the window and the mel filters are stored with the weights."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.spectrogram = Held("window", config.n_fft)
        self.mel_scale = Held("fb", config.n_fft // 2 + 1, config.bands)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Convert samples [rows, samples] to log-mel frames [rows, bands, samples / hop], at least log(1e-5)."""
        n_fft, hop = self.config.n_fft, self.config.hop
        edge = (n_fft - hop) // 2
        padded = F.pad(samples.float().unsqueeze(1), (edge, edge), mode="reflect").squeeze(1)
        frames = (padded.shape[-1] - n_fft) // hop + 1
        starts = range(0, frames, MEL_FRAMES_AT_ONCE)
        ends = (min(start + MEL_FRAMES_AT_ONCE, frames) for start in starts)
        pieces = (padded[:, a * hop : (b - 1) * hop + n_fft] for a, b in zip(starts, ends, strict=True))
        return torch.cat([self._mel(piece) for piece in pieces], dim=-1)

    def _mel(self, padded: torch.Tensor) -> torch.Tensor:
        """Return the log-mel frames [rows, bands, frames] of padded samples [rows, samples]."""
        n_fft, hop = self.config.n_fft, self.config.hop
        window, filters = self.spectrogram.get_buffer("window").float(), self.mel_scale.get_buffer("fb").float()
        waves = torch.stft(padded, n_fft, hop, window=window, center=False, return_complex=True)
        magnitudes = torch.sqrt(waves.real.square() + waves.imag.square() + 1e-6)
        mel = (magnitudes.transpose(1, 2) @ filters).transpose(1, 2)
        return torch.log(torch.clamp(mel, min=1e-5))
