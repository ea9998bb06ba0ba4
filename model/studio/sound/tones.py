"""Renders a sample at one pitch and brightness, in blocks, and caches the result for later notes."""

import itertools
import math
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.shared.recursive_filters import linear_filter_on
from model.studio.sound.decibels import amplitude_of
from model.studio.sound.zones import SAMPLE_RATE_HERTZ, Envelope, Sweep, Zone

Samples: TypeAlias = NDArray[np.float32]
Coefficients: TypeAlias = NDArray[np.float64]

ENDLESS = 2**40
_PIECE_SAMPLES = 8192
_GRID_SAMPLES = 1024
_SWEEP_SAMPLES = 512
_FADE_SAMPLES = 240
_SILENCE_DB = 80.0
_SHORTEST_ATTACK_SECONDS = 0.001
_OPEN_HERTZ = 16_000.0


class Brightness(IntEnum):
    """Three steps of the cutoff of a sample's lowpass filter; a harder MIDI velocity selects a higher cutoff."""

    SOFT = 0
    MEDIUM = 1
    LOUD = 2

    @classmethod
    def of(cls, velocity: int) -> "Brightness":
        """Return the brightness step for a MIDI velocity, 1 to 127."""
        return cls.SOFT if velocity < 58 else cls.MEDIUM if velocity < 92 else cls.LOUD

    def place(self, velocity: int) -> float:
        """Return the position of a velocity in the range of velocities with this brightness, -1 (softest) to 1
        (loudest).
        """
        softest, hardest = ((1, 57), (58, 91), (92, 127))[self]
        return 2.0 * (velocity - softest) / (hardest - softest) - 1.0

    @property
    def cents(self) -> float:
        """The lowering of the filter's cutoff in cents, by the velocity-to-filter modulator of SoundFont 2.04 (section
        8.4.2).
        """
        return (-1700.0, -800.0, 0.0)[self]


class Tone:
    """The sound of a held note: a sample, pitch-shifted, looped and filtered, with attack and decay; mono at 48 kHz.

    The sound is computed in blocks on a fixed grid when it is first read, so the result does not depend on the order of
    reads.
    """

    def __init__(
        self,
        sample: Samples,
        sample_rate_hertz: int,
        zone: Zone,
        pitch: int,
        brightness: Brightness,
        cents: int = 0,
    ) -> None:
        """Set up the sound of a key zone at a MIDI pitch; `cents` is added to the pitch."""
        self.zone = zone
        self.pitch = pitch
        self.brightness = brightness
        self.cents = cents
        self._sample = sample
        self._ratio = sample_rate_hertz / SAMPLE_RATE_HERTZ * 2.0 ** ((pitch + cents / 100.0 - zone.root_pitch) / 12.0)
        self._lowpass = _Lowpass.of(zone, brightness)
        self._made = np.zeros(0, np.float32)
        recorded = ENDLESS if zone.loop else max(1, int((len(sample) - 1) / self._ratio))
        self._length = min(recorded, _audible_samples(zone.envelope))

    @property
    def length(self) -> int:
        """Number of samples until the sound has decayed; `ENDLESS` if it never does."""
        return self._length

    @property
    def made_bytes(self) -> int:
        """Memory taken by the blocks computed so far, in bytes."""
        return self._made.nbytes

    def read(self, start: int, stop: int) -> Samples:
        """Return the samples [start, stop), counted from the start of the note; fewer at the end of the sound. The
        array is read-only.
        """
        stop = min(stop, self._length)
        made = len(self._made)
        if stop > made:
            grown = min(-(-stop // _GRID_SAMPLES) * _GRID_SAMPLES, self._length)
            borders = [made, *range(made - made % _PIECE_SAMPLES + _PIECE_SAMPLES, grown, _PIECE_SAMPLES), grown]
            self._made = np.concatenate([self._made, *itertools.starmap(self._piece, itertools.pairwise(borders))])
        return self._made[start:stop]

    def _piece(self, start: int, stop: int) -> Samples:
        """Compute the samples [start, stop) of the tone, which must lie in one block of the grid of `_PIECE_SAMPLES`
        samples.
        """
        count = stop - start
        sound = self._shifted(start, count)
        if self._lowpass is not None:
            sound = self._lowpass.run(sound, start)
        place = start % _PIECE_SAMPLES
        sound *= _held_gain(self.zone.envelope, start - place)[place : place + count]
        left = self._length - start
        if left < count + _FADE_SAMPLES:
            sound *= np.minimum((left - np.arange(count, dtype=np.float32)) / _FADE_SAMPLES, np.float32(1.0))
        return sound

    def _shifted(self, start: int, count: int) -> Samples:
        """Return `count` values of the sample, resampled to the tone's pitch by Catmull-Rom interpolation; `start` is
        the index of the first one in the tone.
        """
        position = (_COUNTED[:count] + start) * self._ratio
        whole = np.floor(position)
        first, last = int(whole[0]), int(whole[-1])
        source = self._source(first - 1, last + 3)
        position -= whole
        x = position.astype(np.float32)
        whole -= first
        index = whole.astype(np.intp)
        before, here, after, beyond = (source[lag:].take(index) for lag in range(4))
        beyond -= before
        beyond *= 0.5
        before = np.subtract(after, before, out=before)
        before *= 0.5  # the slope of the curve at `here`
        cube: Samples = here - after
        cube *= 1.5
        cube += beyond
        after -= here
        after -= before
        after -= cube
        cube *= x
        cube += after
        cube *= x
        cube += before
        cube *= x
        cube += here
        return cube

    def _source(self, first: int, last: int) -> Samples:
        """Return the values [first, last) of the sample with its loop repeated; zero before its start and after its
        end.
        """
        size = len(self._sample)
        loop_start, loop_end = self.zone.loop or (size, ENDLESS)
        if first >= 0 and last <= min(size, loop_end):
            return self._sample[first:last]
        if first >= loop_start and self.zone.loop:
            loop = self._sample[loop_start:loop_end]
            begin = (first - loop_start) % len(loop)
            end = begin + last - first
            return np.tile(loop, math.ceil(end / len(loop)))[begin:end]
        index = np.arange(first, last)
        index = np.where(index < loop_end, index, loop_start + (index - loop_start) % (loop_end - loop_start))
        inside = (index >= 0) & (index < size)
        return np.where(inside, self._sample.take(index, mode="clip"), np.float32(0.0))


class _Lowpass:
    """A resonant lowpass (biquad) with fixed or moving cutoff; R. Bristow-Johnson, "Audio EQ cookbook". Blocks of sound
    are filtered in order.
    """

    def __init__(self, cutoff_hertz: float, resonance_db: float, sweep: Sweep | None) -> None:
        self._cutoff_hertz = cutoff_hertz
        self._quality = math.sqrt(0.5) * amplitude_of(resonance_db)
        self._sweep = sweep
        self._state = np.zeros(2)

    @classmethod
    def of(cls, zone: Zone, brightness: Brightness) -> "_Lowpass | None":
        """Return the lowpass filter of a key zone; `None` if its effect is inaudible."""
        cutoff_hertz = min(zone.cutoff_hertz, _OPEN_HERTZ) * 2.0 ** (brightness.cents / 1200.0)
        if zone.sweep is None and cutoff_hertz >= _OPEN_HERTZ:
            return None
        return cls(cutoff_hertz, zone.resonance_db, zone.sweep)

    def run(self, sound: Samples, start: int) -> Samples:
        """Return the next block of sound, filtered; `start` is the index of its first sample in the tone."""
        if self._sweep is None:
            return self._part(sound, *_biquad(self._cutoff_hertz, self._quality))
        moves = _moves(self._cutoff_hertz, self._quality, self._sweep, start, len(sound))
        return np.concatenate([self._part(sound[first:last], *biquad) for first, last, biquad in moves])

    def _part(self, sound: Samples, zeros: Coefficients, poles: Coefficients) -> Samples:
        filtered, self._state = linear_filter_on(zeros, poles, sound, self._state)
        return np.asarray(filtered, np.float32)


@lru_cache(maxsize=256)
def _biquad(cutoff_hertz: float, quality: float) -> tuple[Coefficients, Coefficients]:
    """Return the numerator and the denominator coefficients of a second-order lowpass, as read-only arrays."""
    angle = 2.0 * math.pi * cutoff_hertz / SAMPLE_RATE_HERTZ
    alpha = math.sin(angle) / (2.0 * quality)
    square = (1.0 - math.cos(angle)) / 2.0
    poles = np.array([1.0 + alpha, -2.0 * math.cos(angle), 1.0 - alpha])
    return np.array([square, 2.0 * square, square]), poles


@lru_cache(maxsize=1024)
def _moves(
    cutoff_hertz: float, quality: float, sweep: Sweep, start: int, count: int
) -> tuple[tuple[int, int, tuple[Coefficients, Coefficients]], ...]:
    """Return the filters of a lowpass with moving cutoff for a block of `count` samples: for each stretch of constant
    cutoff its first sample, its end and its coefficients. `cutoff_hertz` is the cutoff before the movement `sweep`, and
    `start` the index of the block's first sample in the tone.

    The result is cached for notes of all pitches.
    """
    starts = np.arange(0, count, _SWEEP_SAMPLES)
    cutoffs = cutoff_hertz * 2.0 ** (_sweep_cents(sweep, start + starts) / 1200.0)
    cutoffs = np.minimum(cutoffs, _OPEN_HERTZ)
    # Steps with the same cutoff are joined: one call of the filter costs more than the samples of a step.
    moves = np.flatnonzero(np.diff(cutoffs, prepend=0.0))
    borders = itertools.pairwise([*starts[moves].tolist(), count])
    filters = [_biquad(hertz, quality) for hertz in cutoffs[moves].tolist()]
    return tuple((first, last, biquad) for (first, last), biquad in zip(borders, filters, strict=True))


class ToneCache:
    """Cache of tones by their parameters, limited to a number of bytes; the least recently used tones are removed
    first.
    """

    def __init__(self, limit_bytes: int, counted_after: int = 1) -> None:
        """Set up the cache. Its size in bytes is checked, which takes long, only after every `counted_after` new
        tones.
        """
        self._limit_bytes = limit_bytes
        self._counted_after = counted_after
        self._new = 0
        self._tones: OrderedDict[tuple[int, int, int, int], Tone] = OrderedDict()

    def get(self, zone: Zone, pitch: int, brightness: Brightness, cents: int, make: Callable[[], Tone]) -> Tone:
        """Return the cached tone for these parameters, or a new one from `make`; key zones are compared by identity."""
        key = (id(zone), pitch, brightness, cents)
        if key not in self._tones:
            self._forget()
            self._tones[key] = make()
        self._tones.move_to_end(key)
        return self._tones[key]

    def _forget(self) -> None:
        self._new += 1
        if self._new % self._counted_after:
            return
        taken = sum(tone.made_bytes for tone in self._tones.values())
        while self._tones and taken > self._limit_bytes:
            _, oldest = self._tones.popitem(last=False)
            taken -= oldest.made_bytes


_COUNTED = np.arange(_PIECE_SAMPLES, dtype=np.float64)


@lru_cache(maxsize=256)
def _held_gain(envelope: Envelope, start: int) -> Samples:
    """Return the gain of an envelope, while the key is held, at the `_PIECE_SAMPLES` samples from sample `start` of a
    note on.

    The array is read-only; the cache keeps at most 8 MiB.
    """
    samples = np.arange(start, start + _PIECE_SAMPLES, dtype=np.float32)
    seconds = samples / SAMPLE_RATE_HERTZ - envelope.delay_seconds
    attack_seconds = max(envelope.attack_seconds, _SHORTEST_ATTACK_SECONDS)
    falling_seconds = seconds - (attack_seconds + envelope.hold_seconds)
    fall_db = np.clip(falling_seconds * (100.0 / max(envelope.decay_seconds, 0.001)), 0.0, envelope.sustain_db)
    gain = np.exp(fall_db * np.float32(-math.log(10.0) / 20.0))
    if seconds[0] < attack_seconds:
        gain *= np.clip(seconds / attack_seconds, 0.0, 1.0)
    return np.asarray(gain, np.float32)


def _sweep_cents(sweep: Sweep, samples: NDArray[np.int64]) -> NDArray[np.float64]:
    seconds = samples / SAMPLE_RATE_HERTZ
    rise = np.clip(seconds / max(sweep.attack_seconds, _SHORTEST_ATTACK_SECONDS), 0.0, 1.0)
    fallen = (seconds - sweep.attack_seconds - sweep.hold_seconds) / max(sweep.decay_seconds, 0.001)
    cents: NDArray[np.float64] = sweep.cents * rise * (1.0 - np.clip(fallen, 0.0, 1.0 - sweep.sustain))
    return cents


def _audible_samples(envelope: Envelope) -> int:
    if envelope.sustain_db < _SILENCE_DB:
        return ENDLESS
    before_seconds = envelope.delay_seconds + max(envelope.attack_seconds, _SHORTEST_ATTACK_SECONDS)
    seconds = before_seconds + envelope.hold_seconds + envelope.decay_seconds * _SILENCE_DB / 100.0
    return int(seconds * SAMPLE_RATE_HERTZ)
