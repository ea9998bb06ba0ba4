"""Converts sound to latents and back: the audio autoencoder Oobleck of Stable Audio (arXiv 2404.10301, section 3.2).

Parameter names are those of the released weights, with weight normalisation folded in.
"""

import itertools
import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step_15.networks.config import CodecConfig
from model.shared.networks.window_decoder import decoded_windows, growing_lengths

FIRST_WINDOW = 13
WINDOW = 150
"""Number of latent frames in the first window of a song (half a second) and in the longest windows (six seconds)."""

_KERNEL = 7


class Snake(nn.Module):
    """Snake activation layer (arXiv 2006.08195), a periodic function with a frequency and a magnitude per channel,
    stored as logarithms.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(1, channels, 1))
        self.beta = nn.Parameter(torch.empty(1, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activation of `x` [rows, channels, samples], in the same shape."""
        return x + torch.sin(self.alpha.exp() * x).square() / (self.beta.exp() + 1e-9)


class ResidualUnit(nn.Module):
    """Residual unit: two convolutions, the first dilated, whose output is added to the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.snake1 = Snake(channels)
        self.conv1 = nn.Conv1d(channels, channels, _KERNEL, dilation=dilation, padding=_KERNEL // 2 * dilation)
        self.snake2 = Snake(channels)
        self.conv2 = nn.Conv1d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` [rows, channels, samples] plus the output of the convolutions."""
        made: torch.Tensor = x + self.conv2(self.snake2(self.conv1(self.snake1(x))))
        return made


class _Units(nn.Module):
    """Base class of the codec's blocks: three residual units with increasing dilation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.res_unit1 = ResidualUnit(channels, 1)
        self.res_unit2 = ResidualUnit(channels, 3)
        self.res_unit3 = ResidualUnit(channels, 9)

    def units(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.res_unit3(self.res_unit2(self.res_unit1(x)))
        return made


class EncoderBlock(_Units):
    """Encoder block of the codec: lowers the sample rate by the factor `ratio`."""

    def __init__(self, before: int, after: int, ratio: int) -> None:
        super().__init__(before)
        self.snake1 = Snake(before)
        self.conv1 = nn.Conv1d(before, after, 2 * ratio, stride=ratio, padding=math.ceil(ratio / 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features [rows, channels after, samples / ratio] of `x` [rows, channels before, samples]."""
        made: torch.Tensor = self.conv1(self.snake1(self.units(x)))
        return made


class DecoderBlock(_Units):
    """Decoder block of the codec: raises the sample rate by the factor `ratio`."""

    def __init__(self, before: int, after: int, ratio: int) -> None:
        super().__init__(after)
        self.snake1 = Snake(before)
        self.conv_t1 = nn.ConvTranspose1d(before, after, 2 * ratio, stride=ratio, padding=math.ceil(ratio / 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features [rows, channels after, samples * ratio] of `x` [rows, channels before, samples]; one sample
        less if `ratio` is odd.
        """
        return self.units(self.conv_t1(self.snake1(x)))


class Encoder(nn.Module):
    """The encoder of the codec: converts sound to the means and standard deviations of latents."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        widths = [config.encoder_width * multiple for multiple in (1, *config.multiples)]
        pairs = zip(itertools.pairwise(widths), config.ratios, strict=True)
        self.conv1 = nn.Conv1d(config.sound_channels, widths[0], _KERNEL, padding=_KERNEL // 2)
        self.block = nn.ModuleList([EncoderBlock(before, after, ratio) for (before, after), ratio in pairs])
        self.snake1 = Snake(widths[-1])
        self.conv2 = nn.Conv1d(widths[-1], config.encoder_width, 3, padding=1)

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the means and standard deviations (before softplus) of latents, joined as [rows, 2 * channels,
        frames], for sound [rows, sound channels, samples].
        """
        x = self.conv1(sound)
        for block in self.block:
            x = block(x)
        made: torch.Tensor = self.conv2(self.snake1(x))
        return made


class Decoder(nn.Module):
    """The decoder of the codec: converts latents to sound."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        widths = [config.decoder_width * multiple for multiple in (*reversed(config.multiples), 1)]
        pairs = zip(itertools.pairwise(widths), reversed(config.ratios), strict=True)
        self.conv1 = nn.Conv1d(config.channels, widths[0], _KERNEL, padding=_KERNEL // 2)
        self.block = nn.ModuleList([DecoderBlock(before, after, ratio) for (before, after), ratio in pairs])
        self.snake1 = Snake(widths[-1])
        self.conv2 = nn.Conv1d(widths[-1], config.sound_channels, _KERNEL, padding=_KERNEL // 2, bias=False)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the sound [rows, sound channels, samples] of latents [rows, channels, frames]."""
        x = self.conv1(latents)
        for block in self.block:
            x = block(x)
        made: torch.Tensor = self.conv2(self.snake1(x))
        return made


class Codec(nn.Module):
    """The audio autoencoder: converts sound to latents [frames, channels], float32, and back."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the most probable latents [frames, channels] of sound [sound channels, samples]; the last frame is
        filled with silence.

        The sound is encoded window by window, with the same result as in one pass.
        """
        hop, context = self.config.hop, self.config.context
        sound = F.pad(sound, (0, -sound.shape[-1] % hop))
        frames = sound.shape[-1] // hop
        made = []
        for start in range(0, frames, WINDOW):
            first, last = max(0, start - context), min(frames, start + WINDOW + context)
            means, _ = self.distribution(sound[:, first * hop : last * hop])
            made.append(means[start - first :][:WINDOW])
        return torch.cat(made)

    def distribution(self, sound: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode sound [sound channels, samples] in one pass; return the means and standard deviations of its latents,
        each [frames, channels], float32. The sound must have a whole number of frames.
        """
        made = self.encoder(sound.unsqueeze(0).to(self._device, self._dtype))[0].float()
        mean, spread = made.transpose(0, 1).chunk(2, dim=-1)
        return mean, F.softplus(spread) + 1e-4

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the sound [sound channels, hop * frames], float32, of latents [frames, channels], decoded in one pass.

        With odd ratios, which the released model does not have, the last samples are filled with silence.
        """
        return self._decoded(latents.transpose(0, 1))

    def windows(self, latents: torch.Tensor, start: int = 0, end: int | None = None) -> Iterator[torch.Tensor]:
        """Yield the sound of the latent frames from `start` to `end`, window by window, each [sound channels, samples];
        the samples equal those of `decode`.
        """
        lengths = growing_lengths(FIRST_WINDOW, WINDOW)
        return decoded_windows(
            self._decoded, latents.transpose(0, 1), lengths, context=self.config.context, hop=self.config.hop,
            start=start, end=end,
        )  # fmt: skip

    def _decoded(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the sound [sound channels, samples] of latents [channels, frames]."""
        made = self.decoder(latents.unsqueeze(0).to(self._device, self._dtype))[0].float()
        return F.pad(made, (0, latents.shape[-1] * self.config.hop - made.shape[-1]))

    @property
    def _device(self) -> torch.device:
        return self.decoder.conv2.weight.device

    @property
    def _dtype(self) -> torch.dtype:
        return self.decoder.conv2.weight.dtype
