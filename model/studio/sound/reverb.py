"""Convolution reverb: turns a mono signal into the stereo reverberation of a room, block by block."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.shared.fourier import irfft, rfft
from model.shared.recursive_filters import linear_filter
from model.studio.sound.tones import Samples
from model.studio.sound.zones import SAMPLE_RATE_HERTZ

_EARLY_BLOCK = 1024
_LATE_BLOCK = 8192
_FADE_IN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Room:
    """Acoustics of a room: its reverberation time (60 dB decay at middle frequencies) and the delay of the first
    reflection, both in seconds.

    The delay is at least 22 ms, longer than the shortest block of the convolution.
    """

    decay_seconds: float
    delay_seconds: float

    @classmethod
    def of(cls, amount: float) -> "Room":
        """Return the room acoustics for an amount of reverb from 0 (dry booth) to 1 (hall)."""
        return cls(decay_seconds=0.7 + 1.7 * amount, delay_seconds=0.024 + 0.02 * amount)


def impulse_response(room: Room, seed: int) -> NDArray[np.float32]:
    """Return the impulse response of a room, [2, samples] at 48 kHz, with unit energy in each channel.

    The response is noise, drawn with `seed`, whose high frequencies decay sooner than its low ones (J. A. Moorer,
    "About this reverberation business", 1979).
    """
    count = int(room.decay_seconds * SAMPLE_RATE_HERTZ)
    noise = np.random.default_rng(seed).standard_normal((2, count), np.float32)
    seconds = np.arange(count, dtype=np.float32) / SAMPLE_RATE_HERTZ
    low, rest = _split(noise, 350.0)
    middle, high = _split(rest, 3500.0)
    high, _ = _split(high, 9000.0)
    rate = -math.log(1000.0) / room.decay_seconds
    shape = [np.exp(np.float32(rate * speed) * seconds) for speed in (1.15, 1.0, 1.9)]
    tail = 0.45 * low * shape[0] + middle * shape[1] + 0.7 * high * shape[2]
    tail *= np.minimum(seconds / _FADE_IN_SECONDS, 1.0)
    tail /= np.sqrt(np.sum(np.square(tail), axis=1, keepdims=True))
    silence = np.zeros((2, int(room.delay_seconds * SAMPLE_RATE_HERTZ)), np.float32)
    return np.concatenate([silence, tail], axis=1).astype(np.float32)


def _split(sound: NDArray[np.float32], cutoff_hertz: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    pole = np.float32(math.exp(-2.0 * math.pi * cutoff_hertz / SAMPLE_RATE_HERTZ))
    low = linear_filter(np.array([1.0 - pole], np.float32), np.array([1.0, -pole], np.float32), sound)
    return low, sound - low


class Reverb:
    """Convolves a mono signal with a room's impulse response, block by block. The output does not depend on the block
    sizes.
    """

    def __init__(self, response: NDArray[np.float32]) -> None:
        """Set up a reverb with the impulse response `response` [2, samples], whose first 1024 samples must be
        silent.
        """
        self._parts = (
            _Convolver(response[:, _EARLY_BLOCK:_LATE_BLOCK], _EARLY_BLOCK),
            _Convolver(response[:, _LATE_BLOCK:], _LATE_BLOCK),
        )

    @property
    def filters(self) -> tuple[NDArray[np.complex64], ...]:
        """Frequency responses of the blocks of the impulse response; they are constant, so that several reverbs can
        share them.
        """
        return tuple(part.filters for part in self._parts)

    def run(self, send: Samples) -> NDArray[np.float32]:
        """Return the next block of reverberation, [2, samples]; `send` [samples] is the next block of the input."""
        early, late = (part.run(send) for part in self._parts)
        early += late
        return early


class _Convolver:
    """Uniformly partitioned convolution, delayed by one block (F. Wefers, "Partitioned convolution algorithms", 2015).

    Because of the delay the output of a block is known before its first sample is needed, so calls may have any block
    size.
    """

    def __init__(self, response: NDArray[np.float32], block: int) -> None:
        parts = max(1, math.ceil(response.shape[1] / block))
        padded = np.zeros((2, parts * block), np.float32)
        padded[:, : response.shape[1]] = response
        spectra = rfft(np.pad(padded.reshape(2, parts, block), ((0, 0), (0, 0), (0, block))))
        self._block = block
        self.filters = spectra
        self._history = np.zeros((parts - 1, block + 1), np.complex64)
        self._line = np.zeros(block, np.float32)
        self._ready = np.zeros((2, block), np.float32)

    def run(self, send: Samples) -> NDArray[np.float32]:
        """Return the next block of the convolved signal, [2, samples]; `send` [samples] is the next block of the
        input.
        """
        self._line = np.concatenate([self._line, send])
        blocks = len(self._line) // self._block - 1
        if blocks > 0:
            self._ready = np.concatenate([self._ready, self._convolved(blocks)], axis=1)
            self._line = self._line[blocks * self._block :]
        answer, self._ready = np.split(self._ready, [len(send)], axis=1)
        return answer

    def _convolved(self, blocks: int) -> NDArray[np.float32]:
        """Return the convolution of the first complete blocks of the input buffer, by overlap-save."""
        frames = sliding_window_view(self._line, 2 * self._block)[:: self._block][:blocks]
        spectra = np.concatenate([self._history, rfft(frames)])
        parts = self.filters.shape[1]
        self._history = spectra[len(spectra) - parts + 1 :]
        answer = np.zeros((2, blocks, self._block + 1), np.complex64)
        product = np.empty_like(answer)
        for part in range(parts):
            first = parts - 1 - part
            answer += np.multiply(spectra[first : first + blocks], self.filters[:, part, None], out=product)
        whole: NDArray[np.float32] = irfft(answer)[:, :, self._block :]
        return whole.reshape(2, -1)
