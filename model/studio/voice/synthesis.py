"""Synthesises a singing voice from frames: harmonics as filtered pulses, breath as filtered noise, and recorded
consonants.

Uses the source-filter model of WORLD (Morise, Yokomori and Ozawa, 2016), with minimum-phase responses. As both the map
from bands to frequencies and the Hilbert transform for the phase are linear, one matrix turns the envelopes of all
pulses into complex log spectra.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from model.shared.fourier import irfft
from model.studio.voice.envelope import FRAME_SECONDS, NOISE_HERTZ, band_hertz, spread

SAMPLE_RATE_HERTZ = 48_000
FRAME_SAMPLES = round(FRAME_SECONDS * SAMPLE_RATE_HERTZ)

_RESPONSE = 1024
_NOISE_WINDOW = 2 * FRAME_SAMPLES
_NEPER_PER_DB = np.log(10.0) / 20.0
_ABOVE_TOP_DB_PER_OCTAVE = -24.0
_SILENT_DB = -95.0
_LEVEL_DB = 89.6
"""Gain in dB that brings the recorded vowels to about -20 dBFS."""

_LOWEST_HERTZ = 70.0
_SUBSTEPS = 8
_WHITE_ROWS = 1021

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recorded sound [samples] that is played from sample `start` of the voice's sound on."""

    start: int
    sound: Floats


@dataclass(frozen=True, slots=True)
class VoiceFrames:
    """Parameters of a voice, one row for each frame of 5 ms.

    Attributes:
        f0_hertz: [frames], fundamental frequency, above 0 everywhere.
        harmonic_db: [frames, BANDS], power of the harmonics in dB.
        noise_db: [frames, BANDS], power of the breath in dB.
        clips: recorded consonants.
    """

    f0_hertz: NDArray[np.float64]
    harmonic_db: Floats
    noise_db: Floats
    clips: tuple[Clip, ...] = ()


class Throat:
    """The vocal tract filter of one singer: converts spectral envelopes to impulse responses.

    `formants` scales the frequencies of all resonances (1 as recorded).
    """

    def __init__(self, formants: float = 1.0) -> None:
        hertz = _bin_hertz(_RESPONSE)
        source = hertz / formants
        magnitudes = spread(band_hertz(), source).astype(np.float64)
        self._rolloff = (_edges_db(source) + _LEVEL_DB) * _NEPER_PER_DB
        self._nepers = (magnitudes * _NEPER_PER_DB).astype(np.float32)
        self._phases = np.stack([_minimum_phase(row) for row in magnitudes * _NEPER_PER_DB]).astype(np.float32)
        self._rolloff_phase = _minimum_phase(self._rolloff)
        self._radians = (2 * np.pi * hertz / SAMPLE_RATE_HERTZ).astype(np.float32)
        coarse = _bin_hertz(_NOISE_WINDOW)
        self._noise_nepers = (spread(band_hertz(), coarse / formants) * _NEPER_PER_DB).astype(np.float32)
        self._noise_rolloff = ((_edges_db(coarse / formants) + _LEVEL_DB) * _NEPER_PER_DB).astype(np.float32)

    def responses(self, envelopes_db: Floats, delays: Floats) -> Floats:
        """Return the impulse responses [rows, 1024] of spectral envelopes [rows, BANDS], each delayed by `delays`
        [rows] samples.
        """
        logs = envelopes_db @ self._nepers + self._rolloff.astype(np.float32)
        phases = envelopes_db @ self._phases + self._rolloff_phase.astype(np.float32)
        phases -= delays[:, None] * self._radians
        magnitude = np.exp(logs)
        spectrum = np.empty(phases.shape, np.complex64)
        spectrum.real = magnitude * np.cos(phases)
        spectrum.imag = magnitude * np.sin(phases)
        out: Floats = irfft(spectrum)
        return out

    def breath(self, envelopes_db: Floats, spectra: NDArray[np.complex64]) -> Floats:
        """Return blocks of breath noise [rows, 480]: white noise with the spectra `spectra` [rows, 241], filtered by
        the spectral envelopes [rows, BANDS].
        """
        gains = np.exp(envelopes_db @ self._noise_nepers + self._noise_rolloff)
        windows: Floats = irfft(spectra * gains)
        return windows


def _bin_hertz(size: int) -> NDArray[np.float64]:
    """Return the frequencies, in hertz, of the bins of a real Fourier transform of `size` samples."""
    return np.arange(size // 2 + 1, dtype=np.float64) * (SAMPLE_RATE_HERTZ / size)


def _edges_db(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gain in dB at frequencies outside of the envelope's bands: the gain falls above the highest band and
    below 70 Hz.
    """
    top = band_hertz()[-1]
    above = _ABOVE_TOP_DB_PER_OCTAVE * np.log2(np.maximum(hertz, top) / top)
    out: NDArray[np.float64] = above - 40.0 * np.clip(1 - hertz / _LOWEST_HERTZ, 0, 1)
    return out


def _minimum_phase(log_magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phase in radians of the minimum-phase filter with this log magnitude in nepers, from its cepstrum."""
    cepstrum = np.fft.irfft(log_magnitude)
    half = len(cepstrum) // 2
    folded = np.zeros_like(cepstrum)
    folded[0], folded[half] = cepstrum[0], cepstrum[half]
    folded[1:half] = 2 * cepstrum[1:half]
    out: NDArray[np.float64] = np.fft.rfft(folded).imag
    return out


class VoiceSound:
    """Renders the parameters of a voice, `frames`, to sound in blocks of any size; the samples do not depend on the
    block sizes.
    """

    def __init__(self, throat: Throat, frames: VoiceFrames, seed: int | Sequence[int]) -> None:
        self._throat = throat
        self._frames = frames
        self._pulses = pulse_times(frames.f0_hertz) * SAMPLE_RATE_HERTZ
        self._audible = frames.harmonic_db.max(1) > _SILENT_DB
        self._first_breath = int(np.random.default_rng(seed).integers(_WHITE_ROWS))

    @property
    def samples(self) -> int:
        """Length of the sound in samples."""
        return len(self._frames.f0_hertz) * FRAME_SAMPLES

    def render(self, start: int, stop: int) -> Floats:
        """Return the samples [start, stop) of the voice, mono at 48 kHz."""
        out = np.zeros(stop - start, np.float32)
        self._add_pulses(out, start)
        self._add_breath(out, start)
        for clip in self._frames.clips:
            _add(out, clip.sound, clip.start - start)
        return out

    def _add_pulses(self, out: Floats, start: int) -> None:
        first, last = np.searchsorted(self._pulses, (start - _RESPONSE, start + len(out)))
        times = self._pulses[first:last]
        places = np.minimum(times / FRAME_SAMPLES, len(self._audible) - 1.0)
        audible = self._audible[places.astype(np.int64)]
        times, places = times[audible], places[audible]
        if not len(times):
            return
        whole = np.floor(times)
        f0 = np.interp(places, np.arange(len(self._frames.f0_hertz)), self._frames.f0_hertz)
        level = (-10 * np.log10(f0)).astype(np.float32)[:, None]
        envelopes = _between(self._frames.harmonic_db, places) + level
        responses = self._throat.responses(envelopes, (times - whole).astype(np.float32))
        for place, response in zip(whole.astype(np.int64).tolist(), responses, strict=True):
            _add(out, response, place - start)

    def _add_breath(self, out: Floats, start: int) -> None:
        """Add the noise of the breath to the block `out`, which begins at sample `start`, in overlapping sine windows
        of constant power.
        """
        first = max(start // FRAME_SAMPLES - 2, 0)
        last = min((start + len(out)) // FRAME_SAMPLES + 2, len(self._frames.noise_db))
        rows = np.arange(first, max(last, first))
        rows = rows[self._frames.noise_db[rows].max(1) > _SILENT_DB] if len(rows) else rows
        if not len(rows):
            return
        white = _white()[(rows + self._first_breath) % _WHITE_ROWS]
        windows = self._throat.breath(self._frames.noise_db[rows], white) * _BREATH_WINDOW
        for row, window in zip(rows.tolist(), windows, strict=True):
            _add(out, window, (row - 1) * FRAME_SAMPLES + FRAME_SAMPLES // 2 - start)


@cache
def _white() -> NDArray[np.complex64]:
    """Return spectra of five seconds of white noise, [rows, 241]; their repetition is inaudible under a voice."""
    phases = np.random.default_rng(0).random((_WHITE_ROWS, _NOISE_WINDOW // 2 + 1), dtype=np.float32)
    return np.asarray(np.exp(2j * np.pi * phases), np.complex64)


_BREATH_WINDOW = (
    np.sin(np.pi * (np.arange(_NOISE_WINDOW) + 0.5) / _NOISE_WINDOW) * np.sqrt(_NOISE_WINDOW / SAMPLE_RATE_HERTZ)
).astype(np.float32)


def pulse_times(f0_hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the times in seconds at which the phase of the fundamental completes a cycle; `f0_hertz` [frames] is its
    frequency.
    """
    frames = np.arange(len(f0_hertz) * _SUBSTEPS + 1) / _SUBSTEPS
    fine = np.interp(frames, np.arange(len(f0_hertz)), f0_hertz)
    turns = np.concatenate([[0.0], np.cumsum((fine[1:] + fine[:-1]) / 2)]) * (FRAME_SECONDS / _SUBSTEPS)
    out: NDArray[np.float64] = np.interp(np.arange(int(turns[-1]) + 1), turns, frames * FRAME_SECONDS)
    return out


def _between(rows: Floats, places: NDArray[np.float64]) -> Floats:
    """Return the rows of an array at the fractional indices `places`, by linear interpolation."""
    low = places.astype(np.int64)
    high = np.minimum(low + 1, len(rows) - 1)
    share = (places - low).astype(np.float32)[:, None]
    out: Floats = rows[low] * (1 - share) + rows[high] * share
    return out


def _add(out: Floats, sound: Floats, place: int) -> None:
    """Add `sound` to `out` from index `place` on; samples outside of `out` are dropped."""
    first, last = max(place, 0), min(place + len(sound), len(out))
    if first < last:
        out[first:last] += sound[first - place : last - place]


def split_noise(envelope_db: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Return the power in dB of the harmonics and of the noise, [frames, BANDS] each, from the total power
    `envelope_db` and `noise`, the share of noise in the amplitude.
    """
    share = np.clip(noise @ _TO_BANDS, 1e-3, 0.9999)
    squared = share * share
    return envelope_db + 10 * np.log10(1 - squared), envelope_db + 10 * np.log10(squared)


_TO_BANDS = spread(np.array(NOISE_HERTZ), band_hertz())
