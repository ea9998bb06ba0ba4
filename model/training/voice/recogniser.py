"""A small recogniser of Mandarin syllables, spoken or sung: it predicts initial and final from a log mel spectrum.

The recogniser measures the intelligibility of the synthetic voice, is trained only on natural recordings, and is not
shipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from model.training.voice.syllables import final_of, initial_of

SAMPLE_RATE_HERTZ = 16_000
HOP_SAMPLES = 160
BANDS = 48

_WINDOW_SAMPLES = 400
_FFT = 512
_LOWEST_HERTZ, _HIGHEST_HERTZ = 80.0, 7600.0
_FLOOR_DB = 60.0
_WIDTH = 96
_STRIDE = 2

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sound:
    """One recorded syllable: mono sound at 16 kHz and its pinyin without tone (`ü` is `v`)."""

    samples: Floats
    syllable: str


def features(samples: Floats) -> Floats:
    """Return the log mel spectrum [frames, BANDS] of samples, in units of 20 dB; the loudest value is 0 and the
    smallest at least -3.
    """
    padded = np.concatenate([np.zeros(_WINDOW_SAMPLES, np.float32), samples, np.zeros(_WINDOW_SAMPLES, np.float32)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::HOP_SAMPLES]
    power = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW_SAMPLES), _FFT)) ** 2 @ _filters().T
    level = 10 * np.log10(power + 1e-10)
    return np.asarray(np.maximum(level - level.max(), -_FLOOR_DB) / 20.0, np.float32)


def _filters() -> NDArray[np.float64]:
    """Return a bank of triangular filters [BANDS, bins], equally spaced in mel."""
    edges = _hertz(np.linspace(_mel(_LOWEST_HERTZ), _mel(_HIGHEST_HERTZ), BANDS + 2))
    hertz = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE_HERTZ)
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    out: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return out


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = 700 * (10 ** (mel / 2595) - 1)
    return out


class Recogniser(nn.Module):
    """A convolutional network that recognises the initial and the final of a sung or spoken syllable.

    It has dilated convolutions over time and pooling over all frames.
    """

    def __init__(self, syllables: Sequence[str]) -> None:
        """Set up the network; `syllables` are all syllables that the recogniser can distinguish."""
        super().__init__()
        self.syllables = tuple(sorted(syllables))
        self.initials = tuple(sorted({initial_of(s) for s in self.syllables}))
        self.finals = tuple(sorted({final_of(s) for s in self.syllables}))
        self._layers = nn.ModuleList(
            nn.Sequential(nn.Conv1d(channels, _WIDTH, 5, stride, 2 * dilation, dilation), nn.GELU())
            for channels, stride, dilation in ((BANDS, _STRIDE, 1), (_WIDTH, 1, 1), (_WIDTH, 1, 2), (_WIDTH, 1, 4))
        )
        self._norms = nn.ModuleList(nn.LayerNorm(_WIDTH) for _ in self._layers)
        self._attention = nn.Conv1d(_WIDTH, 8, 1)
        self._dropout = nn.Dropout(0.2)
        self._initial = nn.Linear(8 * _WIDTH, len(self.initials))
        self._final = nn.Linear(8 * _WIDTH, len(self.finals))

    def forward(self, spectra: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of initials and of finals for padded spectra [batch, frames, BANDS]; `lengths` are the
        numbers of frames without padding.
        """
        mask = torch.arange(-(-spectra.shape[1] // _STRIDE))[None] < -(-lengths[:, None] // _STRIDE)
        hidden = spectra.transpose(1, 2)
        for index, (layer, norm) in enumerate(zip(self._layers, self._norms, strict=True)):
            found = norm(layer(hidden).transpose(1, 2)).transpose(1, 2) * mask[:, None]
            hidden = found if index == 0 else hidden + found
        weights = self._attention(hidden).masked_fill(~mask[:, None], -1e4).softmax(-1)
        pooled = self._dropout(torch.einsum("bkt,bct->bkc", weights, hidden).flatten(1))
        return self._initial(pooled), self._final(pooled)


@dataclass(frozen=True, slots=True)
class Shares:
    """Recognition rates, 0 to 1: the share of syllables that are the recogniser's first guess, and that are among its
    five best.
    """

    initial: tuple[float, float]
    final: tuple[float, float]
    syllable: tuple[float, float]


def batch(spectra: Sequence[Floats]) -> tuple[Tensor, Tensor]:
    """Return spectra of different lengths as one padded tensor, and their lengths in frames."""
    return (
        pad_sequence([torch.from_numpy(s) for s in spectra], batch_first=True, padding_value=-3.0),
        torch.tensor([len(s) for s in spectra]),
    )


def train(model: Recogniser, spectra: Sequence[Floats], syllables: Sequence[str], *, epochs: int, seed: int) -> float:
    """Train the recogniser on spectra of known syllables, and return the mean loss of the last epoch."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    size = 64
    steps = epochs * -(-len(spectra) // size)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.1)
    initials = torch.tensor([model.initials.index(initial_of(s)) for s in syllables])
    finals = torch.tensor([model.finals.index(final_of(s)) for s in syllables])
    model.train()
    losses: list[float] = []
    for _ in range(epochs):
        losses.clear()
        for rows in _batches([len(s) for s in spectra], size, generator):
            initial, final = model(*batch([spectra[row] for row in rows]))
            loss = nn.functional.cross_entropy(initial, initials[rows], label_smoothing=0.05)
            loss = loss + nn.functional.cross_entropy(final, finals[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    model.eval()
    return float(np.mean(losses))


def _batches(lengths: Sequence[int], size: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
    """Divide sounds of the given lengths into batches of about `size` with similar lengths, and return the indices in
    each batch; the batches are in random order.
    """
    order = np.argsort(np.array(lengths) * generator.uniform(0.9, 1.1, len(lengths)))
    batches = np.array_split(order, -(-len(order) // size))
    return [batches[index] for index in generator.permutation(len(batches))]


@torch.inference_mode()
def scores(model: Recogniser, spectra: Sequence[Floats]) -> tuple[Tensor, Tensor]:
    """Return the recogniser's log probabilities of initials and finals, [rows, classes] each."""
    parts = [model(*batch(spectra[first : first + 64])) for first in range(0, len(spectra), 64)]
    return torch.cat([p[0] for p in parts]).log_softmax(-1), torch.cat([p[1] for p in parts]).log_softmax(-1)


def understood(model: Recogniser, spectra: Sequence[Floats], syllables: Sequence[str]) -> Shares:
    """Return the recognition rates of the model for `spectra` of `syllables`; a syllable is the pair of initial and
    final.
    """
    initial, final = scores(model, spectra)
    whole = torch.stack(
        [
            initial[:, model.initials.index(initial_of(s))] + final[:, model.finals.index(final_of(s))]
            for s in model.syllables
        ],
        dim=1,
    )
    return Shares(
        _hits(initial, [model.initials.index(initial_of(s)) for s in syllables]),
        _hits(final, [model.finals.index(final_of(s)) for s in syllables]),
        _hits(whole, [model.syllables.index(s) for s in syllables]),
    )


def _hits(guesses: Tensor, truth: Sequence[int]) -> tuple[float, float]:
    best = guesses.topk(min(5, guesses.shape[1]), -1).indices
    right = best == torch.tensor(truth)[:, None]
    return right[:, 0].float().mean().item(), right.any(-1).float().mean().item()
