"""Plays one sampled instrument: renders its notes to stereo sound, block by block."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model.studio.sound.bank import InstrumentBank
from model.studio.sound.decibels import amplitude_of
from model.studio.sound.tones import ENDLESS, Brightness, Samples, Tone
from model.studio.sound.zones import SAMPLE_RATE_HERTZ, Zone
from model.studio.style import DRUM_KITS, Instrument

_RELEASE_DB = 60.0
_SHORTEST_RELEASE_SECONDS = 0.03
_LONGEST_RELEASE_SECONDS = 2.5
_CHOKE_SECONDS = 0.05
_VELOCITY_EXPONENT = 1.6
_CHANCE_DB, _CHANCE_TILT = 0.7, 0.15
"""Largest random change of a note's level, in dB, and of the tilt of its spectrum."""

_CHANCE_SAMPLES = 12
"""Half of the largest random delay of a note that is no drum, in samples: a quarter of a millisecond."""

_VELOCITY_TILT = 0.25
"""Spectral tilt by which the hardest note of a velocity layer is brighter than its middle note."""

_DRUM_STEPS, _CENTS_PER_STEP = 2.4, 5
"""Number of steps and size of a step, in cents, of the random detuning of drums: five pitches, too close to sound
different.
"""

_KEY_PAN = 0.022
_LOWEST_PANNED = 48
"""Lowest pitch that is panned by its key; lower notes stay in the centre."""

_PAN_POSITIONS = 5


@dataclass(frozen=True, slots=True)
class SampledNote:
    """A note with times in samples of the song: it starts at `start` and is released at `stop` (drums ignore the
    release).
    """

    start: int
    stop: int
    pitch: int
    velocity: int


@dataclass(slots=True)
class _Voice:
    """A voice of the sampler: one recorded sample that sounds for a note. The voice is released at sample `stop` of the
    song and then fades out within `release_seconds`. `tilt` is the strength of the boost of high frequencies; below 0
    they are lowered.
    """

    tone: Tone
    start: int
    stop: int
    release_seconds: float
    gain: np.float32
    tilt: np.float32
    pan: float
    exclusive_class: int
    pitch: int

    @property
    def end(self) -> int:
        """First sample of the song at which the voice is silent."""
        return min(self.start + self.tone.length, self.stop + len(_release(self.release_seconds)))

    def let_go(self, at: int, release_seconds: float | None = None) -> None:
        """Release the voice at sample `at` of the song, unless it is released earlier. `release_seconds` replaces the
        voice's own release time.
        """
        if at < self.stop:
            self.stop = at
            self.release_seconds = self.release_seconds if release_seconds is None else release_seconds

    def add_to(self, lane: Samples, lane_start: int) -> None:
        """Add the sound of this voice to `lane`, a mono block [samples] that begins at sample `lane_start` of the
        song.
        """
        first, last = max(self.start, lane_start), min(self.end, lane_start + len(lane))
        if first >= last:
            return
        sound = self._tilted(first - self.start, last - self.start)
        if last > self.stop:
            sound = self._released(sound, first)
        lane[first - lane_start : last - lane_start] += sound

    def _tilted(self, start: int, stop: int) -> Samples:
        """Return the samples [start, stop) of the voice's tone, with its gain applied and its high frequencies changed
        by `tilt`, with a first-order filter.
        """
        read = self.tone.read(max(start - 1, 0), stop)
        ahead = int(start > 0)
        sound = read[ahead:] * (self.gain * (1 + self.tilt))
        sound[1 - ahead :] -= read[:-1] * (self.gain * self.tilt)
        return sound

    def _released(self, sound: Samples, first: int) -> Samples:
        held = max(0, self.stop - first)
        done = max(0, first - self.stop)
        sound[held:] *= _release(self.release_seconds)[done : done + len(sound) - held]
        return sound


class Sampler:
    """Plays the notes of one instrument of the bank. Blocks of sound are rendered in order and may have any size."""

    def __init__(self, bank: InstrumentBank, instrument: Instrument) -> None:
        self._bank = bank
        self._instrument = instrument
        self._gain_db = bank.gain_db(instrument)
        self._voices: list[_Voice] = []

    @property
    def is_silent(self) -> bool:
        """True if no note of this instrument sounds."""
        return not self._voices

    def start(self, notes: Iterable[SampledNote]) -> None:
        """Start the notes that begin in the next block, earliest first.

        A note releases an earlier note of the same pitch that still sounds; a drum silences the other drums of its
        exclusive class.
        """
        for note in notes:
            voices = [self._voice(zone, note) for zone in self._bank.zones(self._instrument, note.pitch, note.velocity)]
            self._make_room(note, {voice.exclusive_class for voice in voices} - {0})
            self._voices += voices

    def render(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the sound of the samples [start, stop) of the song, shape [2, stop - start]."""
        lanes: dict[float, Samples] = {}
        for voice in self._voices:
            if voice.pan not in lanes:
                lanes[voice.pan] = np.zeros(stop - start, np.float32)
            voice.add_to(lanes[voice.pan], start)
        self._voices = [voice for voice in self._voices if voice.end > stop]
        block = np.zeros((2, stop - start), np.float32)
        for pan, lane in lanes.items():
            for channel, gain in zip(block, side_gains(pan), strict=True):
                channel += gain * lane
        return block

    def _make_room(self, note: SampledNote, classes: set[int]) -> None:
        for voice in self._voices:
            if voice.exclusive_class in classes:
                voice.let_go(note.start, _CHOKE_SECONDS)
            elif voice.pitch == note.pitch and self._instrument not in DRUM_KITS:
                voice.let_go(note.start)

    def _voice(self, zone: Zone, note: SampledNote) -> _Voice:
        is_drum = self._instrument in DRUM_KITS
        shade = Brightness.LOUD if zone.is_layer else Brightness.of(note.velocity)
        louder, brighter, other = _chances(note)
        start = note.start if is_drum else note.start + round(_CHANCE_SAMPLES * (1 + other))
        cents = _CENTS_PER_STEP * round(_DRUM_STEPS * other) if is_drum else 0
        tone = self._bank.tone(zone, note.pitch, shade, cents)
        gain_db = self._gain_db + zone.gain_db + _CHANCE_DB * louder
        gain = amplitude_of(gain_db) * (note.velocity / 127.0) ** _VELOCITY_EXPONENT
        pan = zone.pan if is_drum or note.pitch < _LOWEST_PANNED else zone.pan + _KEY_PAN * (note.pitch - 60)
        return _Voice(
            tone=tone,
            start=start,
            stop=ENDLESS if is_drum else max(note.stop, start + 1),
            release_seconds=zone.envelope.release_seconds,
            gain=np.float32(gain),
            tilt=np.float32(_VELOCITY_TILT * _place(zone, note.velocity) + _CHANCE_TILT * brighter),
            pan=round(min(max(pan, -1.0), 1.0) * _PAN_POSITIONS) / _PAN_POSITIONS,
            exclusive_class=zone.exclusive_class,
            pitch=note.pitch,
        )


def _place(zone: Zone, velocity: int) -> float:
    """Return the position, -1 (softest) to 1 (hardest), of a velocity: within the velocity layer of the zone if the
    zone was recorded in one, otherwise within the range of velocities with the same brightness.
    """
    if not zone.is_layer:
        return Brightness.of(velocity).place(velocity)
    softest = max(1, zone.low_velocity)
    return 2.0 * (velocity - softest) / (zone.high_velocity - softest) - 1.0


def _chances(note: SampledNote) -> tuple[float, float, float]:
    """Return three pseudo-random numbers between -1 and 1 that depend only on the note, not on earlier notes.

    The bits are mixed as in MurmurHash3 (A. Appleby, public domain).
    """
    bits = (note.start * 0x9E3779B1 + note.pitch * 0x85EBCA77) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    bits ^= bits >> 16
    first, second, third = ((bits >> shift & 0x3FF) / 511.5 - 1.0 for shift in (0, 10, 20))
    return first, second, third


@lru_cache(maxsize=128)
def _release(full_seconds: float) -> Samples:
    """Return an exponential decay curve that ends at exactly zero; `full_seconds` is the time in which the level falls
    by 100 dB. The array is read-only.
    """
    seconds = full_seconds * _RELEASE_DB / 100.0
    seconds = min(max(seconds, _SHORTEST_RELEASE_SECONDS), _LONGEST_RELEASE_SECONDS)
    share = np.linspace(0.0, 1.0, int(seconds * SAMPLE_RATE_HERTZ), dtype=np.float32)
    floor = np.float32(amplitude_of(-_RELEASE_DB))
    return np.asarray((np.exp(share * np.log(floor)) - floor) / (1 - floor), np.float32)


def side_gains(pan: float) -> tuple[np.float32, np.float32]:
    """Return the gains of the left and right channels for a pan, at constant power and unity in the centre."""
    angle = (1.0 + pan) * math.pi / 4.0
    return np.float32(math.sqrt(2.0) * math.cos(angle)), np.float32(math.sqrt(2.0) * math.sin(angle))
