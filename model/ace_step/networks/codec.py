"""Converts sound to latents and back by mel frames, the deep-compression autoencoder, and the vocoder.

A latent frame has 4096 samples at 44,100 Hz, which is 8 mel frames. The decoder of the autoencoder attends to all
frames, so the mel frames of a song are decoded in one pass. A sample of the vocoder depends on one second of mel frames
to either side; so it works window by window, with the same result as in one pass.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step.frames import SAMPLES_PER_FRAME
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.vocoder import Vocoder
from model.shared.networks.window_decoder import growing_lengths

LATENT_SHAPE = (8, 16)

FIRST_WINDOW = 43
WINDOW = 512
"""Number of mel frames in the first window of a song (half a second) and in the longest windows (six seconds)."""

_SCALE, _SHIFT = 0.1786, -1.9091
_MEL_LOW, _MEL_HIGH = -11.0, 3.0


def window_lengths() -> Iterator[int]:
    """Yield the number of mel frames of each window: a short first window, so that sound starts early, then longer
    ones.
    """
    return growing_lengths(FIRST_WINDOW, WINDOW)


class Codec(nn.Module):
    """The autoencoder and the vocoder, with the conversion between the two networks' ranges of log-mel values."""

    def __init__(self, autoencoder: Autoencoder, vocoder: Vocoder) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.vocoder = vocoder

    def encode(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the latents [1, 8, 16, frames], float32, of stereo sound [2, samples] at 44,100 Hz, padded with
        silence to whole frames.
        """
        sound = F.pad(sound.float(), (0, -sound.shape[-1] % SAMPLES_PER_FRAME))
        mel = self.vocoder.mel_transform(sound.to(self._device))
        scaled = (mel - _MEL_LOW) / (_MEL_HIGH - _MEL_LOW) * 2.0 - 1.0
        latents: torch.Tensor = self.autoencoder.encoder(scaled.unsqueeze(0).to(self._dtype)).float()
        return (latents - _SHIFT) * _SCALE

    def mel(self, latents: torch.Tensor) -> torch.Tensor:
        """Decode latents [1, 8, 16, frames] to log-mel frames [2, bands, 8 * frames], one row for each audio
        channel.
        """
        decoded: torch.Tensor = self.autoencoder.decoder((latents / _SCALE + _SHIFT).to(self._dtype))
        return ((decoded * 0.5 + 0.5) * (_MEL_HIGH - _MEL_LOW) + _MEL_LOW)[0]

    def sound(self, mel: torch.Tensor) -> torch.Tensor:
        """Return the stereo sound [2, 4096 * frames] at 44,100 Hz, float32, of log-mel frames [2, bands, 8 * frames],
        computed in one pass.
        """
        samples: torch.Tensor = self.vocoder(mel)
        return samples.squeeze(1).float()

    def windows(self, mel: torch.Tensor, start: int = 0, end: int | None = None) -> Iterator[torch.Tensor]:
        """Yield the stereo sound of the mel frames from `start` to `end`, window by window, each [2, samples]; the
        samples equal those of `sound`.
        """
        for window in self.vocoder.windows(mel, window_lengths(), start, end):
            yield window.squeeze(1).float()

    @property
    def _device(self) -> torch.device:
        return self.vocoder.head.conv_pre.weight.device

    @property
    def _dtype(self) -> torch.dtype:
        return self.vocoder.head.conv_pre.weight.dtype
