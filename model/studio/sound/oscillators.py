"""Synthesises instruments: the waveforms of old game consoles, and two electronic drum kits."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.shared.recursive_filters import linear_filter
from model.studio.sound.tones import Samples
from model.studio.sound.zones import SAMPLE_RATE_HERTZ, Envelope, InstrumentZones, Zone
from model.studio.style import Instrument

_OPEN_HERTZ = 20_000.0
_HIGHEST_HERTZ = 18_000.0
_LOWEST_ROOT, _OCTAVES = 29, 7
_CYCLES = 8
_CONCERT_HERTZ, _CONCERT_PITCH = 440.0, 69
_STRUCK = Envelope(0.0, 0.0, 0.0, 100.0, 0.0, 0.5)
_HATS, _HAT_CLASS = (42, 44, 46), 1
_METAL_HERTZ = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0)
"""Frequencies in hertz of the square waves of the Roland TR-808's cymbal, from its service notes."""

_Sound: TypeAlias = NDArray[np.float64]
_Hit: TypeAlias = tuple[float, Callable[[], _Sound]]
_Ringing: TypeAlias = Callable[[float, float], _Sound]


@dataclass(frozen=True, slots=True)
class Computed:
    """The synthesised instruments by name, and their mono samples at 48 kHz; key zones refer to these samples by index,
    from `first_sample` on.
    """

    first_sample: int
    instruments: Mapping[str, InstrumentZones]
    samples: tuple[Samples, ...]


@dataclass(frozen=True, slots=True)
class _Wave:
    """A sustained waveform: the amplitude of each harmonic, its envelope, and the gain that makes it as loud as the
    other waveforms.
    """

    harmonic: Callable[[int], float]
    envelope: Envelope
    gain_db: float


@dataclass(frozen=True, slots=True)
class _Piece:
    """A drum of a synthesised kit: its range of MIDI keys, the key that plays it at its own pitch, its sound and its
    level.
    """

    keys: tuple[int, int]
    root: int
    sound: Callable[[], _Sound]
    gain_db: float
    exclusive_class: int = 0
    pan: float = 0.0


@cache
def compute_instruments(first_sample: int) -> Computed:
    """Return every synthesised instrument with its samples, which are indexed from `first_sample` on; the samples are
    the same at every call.
    """
    instruments, samples = {}, list[Samples]()
    for instrument, wave in _WAVES.items():
        zones = [_wave_zone(wave, octave, first_sample + len(samples) + octave) for octave in range(_OCTAVES)]
        samples += [_cycles(wave, octave) for octave in range(_OCTAVES)]
        instruments[instrument.value] = InstrumentZones(wave.gain_db, tuple(zones))
    for instrument, pieces in _KITS.items():
        hits = [_piece_zone(piece, first_sample + len(samples) + index) for index, piece in enumerate(pieces)]
        samples += [_faded(piece.sound()) for piece in pieces]
        instruments[instrument.value] = InstrumentZones(0.0, tuple(hits))
    return Computed(first_sample, instruments, tuple(samples))


def _period(octave: int) -> int:
    """Return the number of samples in one cycle of a waveform, for the pitch in the middle of an octave's key zone."""
    hertz = _CONCERT_HERTZ * math.pow(2.0, (_LOWEST_ROOT + 12 * octave - _CONCERT_PITCH) / 12.0)
    return round(SAMPLE_RATE_HERTZ / hertz)


def _cycles(wave: _Wave, octave: int) -> Samples:
    """Return a few cycles of a waveform, without harmonics that would exceed 18 kHz at the top of the key zone."""
    period = _period(octave)
    count = max(1, int(_HIGHEST_HERTZ / (SAMPLE_RATE_HERTZ / period * math.sqrt(2.0))))
    phase = 2.0 * np.pi * np.arange(period * _CYCLES) / period
    waves = [wave.harmonic(k) * np.sin(k * phase) for k in range(1, count + 1)]
    return np.asarray(np.sum(waves, axis=0), np.float32)


def _wave_zone(wave: _Wave, octave: int, sample: int) -> Zone:
    period, root = _period(octave), _LOWEST_ROOT + 12 * octave
    exact = _CONCERT_PITCH + 12.0 * math.log2(SAMPLE_RATE_HERTZ / period / _CONCERT_HERTZ)
    keys = (0 if octave == 0 else root - 6, 127 if octave == _OCTAVES - 1 else root + 5)
    loop = (period, period * _CYCLES)
    return Zone(*keys, sample, exact, loop, 0.0, 0.0, 0, wave.envelope, _OPEN_HERTZ, 0.0, None)


def _piece_zone(piece: _Piece, sample: int) -> Zone:
    root, group = float(piece.root), piece.exclusive_class
    return Zone(*piece.keys, sample, root, None, piece.gain_db, piece.pan, group, _STRUCK, _OPEN_HERTZ, 0.0, None)


def _pulse(duty: float) -> Callable[[int], float]:
    return lambda k: math.sin(math.pi * k * duty) / k


def _triangle(k: int) -> float:
    """Return the amplitude of harmonic `k` of a triangle wave with the steps of a four-bit converter, which amplify its
    15th and 17th harmonics.
    """
    if k % 2 == 0:
        return 0.0
    sign = -1.0 if k % 4 == 3 else 1.0
    return sign / k**2 + (0.6 / k if k % 32 in (15, 17) else 0.0) * 0.25


def _seconds(seconds: float) -> _Sound:
    return np.arange(int(seconds * SAMPLE_RATE_HERTZ)) / SAMPLE_RATE_HERTZ


def _faded(sound: _Sound) -> Samples:
    fade = np.minimum(1.0, np.arange(len(sound), 0, -1) / 240.0)
    return np.asarray(sound * fade / np.abs(sound).max(), np.float32)


def _noise(seconds: float, hold: int = 1) -> _Sound:
    """Return white noise; each value is repeated `hold` times, as by a shift register at a low rate."""
    count = int(seconds * SAMPLE_RATE_HERTZ)
    values = np.random.default_rng(hold).choice((-1.0, 1.0), count // hold + 1)
    return np.repeat(values, hold)[:count]


def _highpassed(sound: _Sound, hertz: float, times: int = 2) -> _Sound:
    keep = math.exp(-2.0 * math.pi * hertz / SAMPLE_RATE_HERTZ)
    for _ in range(times):
        sound = np.asarray(linear_filter([(1 + keep) / 2, -(1 + keep) / 2], [1.0, -keep], sound), np.float64)
    return sound


def _lowpassed(sound: _Sound, hertz: float) -> _Sound:
    keep = math.exp(-2.0 * math.pi * hertz / SAMPLE_RATE_HERTZ)
    return np.asarray(linear_filter([1 - keep], [1.0, -keep], sound), np.float64)


def _falling(seconds: float, from_hertz: float, to_hertz: float, glide: float, decay: float) -> _Sound:
    """Return a sine of `seconds` seconds whose frequency falls from one value to the other with the time constant
    `glide`, and whose level decays with the time constant `decay`, both in seconds.
    """
    time = _seconds(seconds)
    hertz = to_hertz + (from_hertz - to_hertz) * np.exp(-time / glide)
    return np.sin(2.0 * np.pi * np.cumsum(hertz) / SAMPLE_RATE_HERTZ) * np.exp(-time / decay)


def _dying(sound: _Sound, decay: float) -> _Sound:
    return sound * np.exp(-np.arange(len(sound)) / SAMPLE_RATE_HERTZ / decay)


def _deep_kick() -> _Sound:
    click = _dying(_highpassed(_noise(0.5), 2000.0), 0.002)
    return np.tanh(2.0 * _falling(0.5, 190.0, 47.0, 0.035, 0.16)) + 0.15 * click


def _crisp_snare() -> _Sound:
    body = 0.5 * _falling(0.3, 260.0, 185.0, 0.02, 0.05)
    return body + 0.6 * _dying(_lowpassed(_highpassed(_noise(0.3), 1200.0), 9000.0), 0.07)


def _clap() -> _Sound:
    noise = _lowpassed(_highpassed(_noise(0.35), 900.0), 3200.0)
    time = _seconds(0.35)
    hands = ((0.0, 0.006), (0.011, 0.006), (0.021, 0.006), (0.03, 0.07))
    bursts = [np.where(time >= at, np.exp(-(time - at) / decay), 0.0) for at, decay in hands]
    return noise * np.asarray(np.sum(bursts, axis=0), np.float64)


def _metal(seconds: float, decay: float) -> _Sound:
    time = _seconds(seconds)
    squares = np.sum([np.sign(np.sin(2.0 * np.pi * hertz * 2.0 * time)) for hertz in _METAL_HERTZ], axis=0)
    return _dying(_highpassed(squares + 0.8 * _noise(seconds), 6500.0, 3), decay)


def _chip_tom() -> _Sound:
    return np.sign(_falling(0.25, 320.0, 90.0, 0.06, 1.0)) * np.exp(-_seconds(0.25) / 0.07)


def _chip_kick() -> _Sound:
    fall = _falling(0.2, 300.0, 45.0, 0.03, 5.0)
    return np.round(fall * 8.0) / 8.0 * np.exp(-_seconds(0.2) / 0.06)


def _bell(seconds: float, hertz: float, decay: float) -> _Sound:
    time = _seconds(seconds)
    return np.sign(np.sin(2.0 * np.pi * hertz * time)) * np.exp(-time / decay)


def _kit(
    kick: _Hit, snare: _Hit, clap: _Hit, tom: _Hit, hiss: tuple[float, _Ringing], ring: tuple[float, _Ringing]
) -> tuple[_Piece, ...]:
    """Return the drums of a kit, built from six sounds.

    Each sound is a pair of its level in dB and a function that computes the samples; the functions of `hiss` (cymbals)
    and `ring` (bells, sticks) take a length and a decay time in seconds.
    """

    def metal(key: int, level_db: float, seconds: float, decay: float, pan: float) -> _Piece:
        group = _HAT_CLASS if key in _HATS else 0
        return _Piece((key, key), key, lambda: hiss[1](seconds, decay), hiss[0] + level_db, group, pan)

    return (
        _Piece((35, 36), 36, kick[1], kick[0]),
        _Piece((37, 37), 37, lambda: ring[1](0.08, 0.012), ring[0], pan=0.15),
        _Piece((38, 38), 38, snare[1], snare[0]),
        _Piece((39, 39), 39, clap[1], clap[0], pan=0.1),
        _Piece((40, 40), 40, snare[1], snare[0]),
        *(_Piece((key, key), 45, tom[1], tom[0], pan=(45 - key) * 0.06) for key in (41, 43, 45, 47, 48, 50)),
        metal(42, 0.0, 0.12, 0.025, 0.25),
        metal(44, -1.0, 0.1, 0.018, 0.25),
        metal(46, -4.0, 0.5, 0.13, 0.25),
        metal(49, -5.0, 1.6, 0.4, -0.3),
        metal(51, -8.5, 0.8, 0.16, -0.3),
        metal(54, -3.5, 0.15, 0.045, -0.3),
        metal(70, -2.0, 0.07, 0.016, -0.35),
        _Piece((81, 81), 81, lambda: ring[1](0.9, 0.25), ring[0] - 10.0, pan=0.35),
    )


_HELD = Envelope(0.0, 0.002, 0.03, 4.0, 5.0, 0.12)
_WAVES: Mapping[Instrument, _Wave] = {
    Instrument.CHIP_PULSE: _Wave(_pulse(0.25), _HELD, -16.6),
    Instrument.CHIP_SQUARE: _Wave(_pulse(0.5), Envelope(0.0, 0.002, 0.0, 2.5, 9.0, 0.1), -15.3),
    Instrument.CHIP_BASS: _Wave(_triangle, Envelope(0.0, 0.002, 0.0, 8.0, 2.0, 0.06), -15.4),
}
_KITS: Mapping[Instrument, tuple[_Piece, ...]] = {
    Instrument.ELECTRONIC_KIT: _kit(
        kick=(-4.0, _deep_kick),
        snare=(-3.0, _crisp_snare),
        clap=(-4.5, _clap),
        tom=(-8.5, lambda: _falling(0.5, 210.0, 120.0, 0.05, 0.14)),
        hiss=(2.5, _metal),
        ring=(-6.5, lambda seconds, decay: _bell(seconds, 1720.0, decay)),
    ),
    Instrument.CHIP_KIT: _kit(
        kick=(0.0, _chip_kick),
        snare=(-9.0, lambda: _dying(_noise(0.25, 5), 0.05)),
        clap=(-7.0, lambda: _dying(_noise(0.2, 9), 0.035)),
        tom=(-9.0, _chip_tom),
        hiss=(-3.3, lambda seconds, decay: _dying(_highpassed(_noise(seconds, 2), 3000.0, 1), decay)),
        ring=(-7.0, lambda seconds, decay: _bell(seconds, 2093.0, decay)),
    ),
}
