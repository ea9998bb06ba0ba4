"""Converts sound to audio codes and back: EnCodec (arXiv 2210.13438), non-causal, with recurrent layers. Parameter
names are those of the library transformers.

Each audio channel is a separate batch row. Convolutions pad their input by mirroring its ends.
"""

from typing import cast

import torch
from torch import nn
from torch.nn import functional as F

from model.musicgen.networks.config import CodecConfig

LstmState = tuple[torch.Tensor, torch.Tensor]
"""Hidden and cell state, each [layers, rows, width]."""


class Conv(nn.Module):
    """Convolution layer with a stride: one output sample for every `stride` input samples."""

    def __init__(self, before: int, after: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(before, after, kernel, stride, dilation=dilation)
        self._padding = (kernel - 1) * dilation + 1 - stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution [rows, channels after, samples / stride] of `x` [rows, channels before, samples];
        `samples` is a multiple of the stride.
        """
        right = self._padding // 2
        made: torch.Tensor = self.conv(_mirrored(x, self._padding - right, right))
        return made


class ConvUp(nn.Module):
    """Transposed convolution layer: `ratio` output samples for each input sample."""

    def __init__(self, before: int, after: int, ratio: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose1d(before, after, 2 * ratio, ratio)
        self._left, self._right = ratio - ratio // 2, ratio // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the transposed convolution [rows, channels after, samples * ratio] of `x` [rows, channels before,
        samples].
        """
        made: torch.Tensor = self.conv(x)
        return made[..., self._left : made.shape[-1] - self._right]


class Residual(nn.Module):
    """Residual block: the sum of two convolutions in sequence and a shortcut, which is the identity or a
    convolution.
    """

    def __init__(self, config: CodecConfig, width: int, dilation: int) -> None:
        super().__init__()
        inner = width // config.compress
        self.block = nn.ModuleList(
            [
                nn.ELU(), Conv(width, inner, config.residual_kernel, dilation=dilation),
                nn.ELU(), Conv(inner, width, 1),
            ]
        )  # fmt: skip
        self.shortcut = Conv(width, width, 1) if config.shortcut else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of the shortcut and the convolutions for `x` [rows, channels, samples], in the same shape."""
        made = x
        for part in self.block:
            made = part(made)
        summed: torch.Tensor = self.shortcut(x) + made
        return summed


class Recurrent(nn.Module):
    """LSTM layers whose output is added to their input."""

    def __init__(self, config: CodecConfig, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, config.lstm_layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output of the LSTM layers for `x` [rows, width, frames], in the same shape."""
        return self.continued(x, None)[0]

    def continued(self, x: torch.Tensor, state: LstmState | None) -> tuple[torch.Tensor, LstmState]:
        """Return the output of the LSTM layers for `x` [rows, width, frames], starting from the LSTM state `state`, and
        the state after the last frame.
        """
        steps = x.permute(2, 0, 1)
        made, later = self.lstm(steps, state)
        return (made + steps).permute(1, 2, 0), later


class Encoder(nn.Module):
    """The encoder of EnCodec: converts sound to vectors, one for each frame."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.filters
        parts: list[nn.Module] = [Conv(1, width, config.kernel)]
        for ratio in reversed(config.ratios):
            parts += [Residual(config, width, config.dilation_growth**layer) for layer in range(config.residual_layers)]
            parts += [nn.ELU(), Conv(width, 2 * width, 2 * ratio, stride=ratio)]
            width *= 2
        parts += [Recurrent(config, width), nn.ELU(), Conv(width, config.width, config.last_kernel)]
        self.layers = nn.ModuleList(parts)

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        """Return vectors [rows, width, frames] of sound [rows, 1, samples]; `samples` is a multiple of the samples in a
        frame.
        """
        x = sound
        for part in self.layers:
            x = part(x)
        return x


class Decoder(nn.Module):
    """The decoder of EnCodec: converts vectors, one for each frame, to sound."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.filters * 2 ** len(config.ratios)
        parts: list[nn.Module] = [Conv(config.width, width, config.kernel), Recurrent(config, width)]
        for ratio in config.ratios:
            parts += [nn.ELU(), ConvUp(width, width // 2, ratio)]
            width //= 2
            parts += [Residual(config, width, config.dilation_growth**layer) for layer in range(config.residual_layers)]
        parts += [nn.ELU(), Conv(width, 1, config.last_kernel)]
        self.layers = nn.ModuleList(parts)

    def before(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output [rows, inner width, frames] of the layers before the LSTM, for vectors [rows, width,
        frames].
        """
        made: torch.Tensor = self.layers[0](x)
        return made

    def continued(self, x: torch.Tensor, state: LstmState | None) -> tuple[torch.Tensor, LstmState]:
        """Return the output of the LSTM layers, starting from `state`, and the new LSTM state; see
        `Recurrent.continued`.
        """
        recurrent = self.layers[1]
        assert isinstance(recurrent, Recurrent)
        return recurrent.continued(x, state)

    def behind(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output [rows, samples] of the layers after the LSTM, for the LSTM's output [rows, inner width,
        frames].
        """
        for part in self.layers[2:]:
            x = part(x)
        return x[:, 0]


class _Codebook(nn.Module):
    embed: torch.Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.register_buffer("embed", torch.empty(config.codebook_size, config.width))

    def nearest(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the codes [...] of the codebook entries that are nearest to `vectors` [..., width]."""
        square = vectors.square().sum(-1, keepdim=True)
        return (2 * vectors @ self.embed.t() - square - self.embed.square().sum(-1)).argmax(-1)


class _Layer(nn.Module):
    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.codebook = _Codebook(config)


class Quantizer(nn.Module):
    """Residual vector quantisation: each codebook encodes the difference between a vector and the sum of the earlier
    codebooks' entries.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Layer(config) for _ in range(config.codebooks)])

    @property
    def codebooks(self) -> list[_Codebook]:
        """The codebooks, in the order in which they encode a vector."""
        return [cast(_Layer, layer).codebook for layer in self.layers]

    def encode(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the integer codes [rows, codebooks, frames] of vectors [rows, width, frames]."""
        rest, codes = vectors.transpose(1, 2), []
        for codebook in self.codebooks:
            codes.append(codebook.nearest(rest))
            rest = rest - F.embedding(codes[-1], codebook.embed)
        return torch.stack(codes, dim=1)

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the vectors [rows, width, frames] of codes [rows, codebooks, frames]."""
        parts = [F.embedding(codes[:, number], each.embed) for number, each in enumerate(self.codebooks)]
        made = parts[0]
        for part in parts[1:]:
            made = made + part
        return made.transpose(1, 2)


class Codec(nn.Module):
    """The audio codec EnCodec: converts sound to integer codes and back, in float32."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quantizer = Quantizer(config)

    @property
    def device(self) -> torch.device:
        """The device on which the weights are."""
        return self.quantizer.codebooks[0].embed.device

    def encode(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the codes [rows, codebooks, frames] of sound [rows, samples]; `samples` is a multiple of the samples
        in a frame.
        """
        return self.quantizer.encode(self.encoder(sound[:, None].to(self.device)))

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the sound [rows, samples] of codes [rows, codebooks, frames], decoded in one pass."""
        x = self.decoder.before(self.quantizer.decode(codes))
        return self.decoder.behind(self.decoder.continued(x, None)[0])


def _mirrored(x: torch.Tensor, left: int, right: int) -> torch.Tensor:
    """Return `x` [rows, channels, samples] padded with `left` and `right` samples by mirroring its ends; if there are
    too few samples to mirror, zeros are added first.
    """
    lacking = max(0, max(left, right) + 1 - x.shape[-1])
    made = F.pad(F.pad(x, (0, lacking)), (left, right), mode="reflect")
    return made[..., : made.shape[-1] - lacking]
