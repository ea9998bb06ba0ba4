"""Data types for the table of the shipped instruments: their samples, and the key zones that play the samples."""

from dataclasses import dataclass

SAMPLE_RATE_HERTZ = 48_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded sample: the position of its Ogg Vorbis stream in the data file, and the size of the decoded sound.

    The decoded sound has `frames` mono values at `sample_rate_hertz`.
    """

    offset: int
    size_bytes: int
    frames: int
    sample_rate_hertz: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """The loudness envelope of a note: the change of its level while the key is held and after the key is released.

    After a delay come a linear attack, a hold, and a fall by 100 dB per `decay_seconds` down to `-sustain_db`; when the
    key is released, a fall by 100 dB per `release_seconds` (SoundFont 2.04, section 9.1.6).
    """

    delay_seconds: float
    attack_seconds: float
    hold_seconds: float
    decay_seconds: float
    sustain_db: float
    release_seconds: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """A movement of the lowpass filter's cutoff during a note: the cutoff rises by `cents` in the attack, holds, and
    falls back to the share `sustain` (0 to 1) of that rise.
    """

    cents: float
    attack_seconds: float
    hold_seconds: float
    decay_seconds: float
    sustain: float


@dataclass(frozen=True, slots=True)
class Zone:
    """A key zone: a sample, and the range of keys that play it.

    Attributes:
        low_key: lowest MIDI key, inclusive.
        high_key: highest MIDI key, inclusive.
        sample: index into the table's samples.
        root_pitch: MIDI pitch of the recorded sound; fractions are fine tuning.
        loop: first sample of the loop and the first sample after it; `None` for a sound that is played once.
        gain_db: level relative to the other zones of the instrument.
        pan: -1 (left) to 1 (right).
        exclusive_class: a note silences the sounding notes of its class; 0 for no class.
        envelope: loudness over time.
        cutoff_hertz: cutoff of the lowpass filter at full velocity.
        resonance_db: height of the filter's peak at its cutoff.
        sweep: movement of the filter's cutoff; `None` if it is fixed.
        low_velocity: lowest MIDI velocity that plays this zone, inclusive.
        high_velocity: highest MIDI velocity that plays this zone, inclusive.
    """

    low_key: int
    high_key: int
    sample: int
    root_pitch: float
    loop: tuple[int, int] | None
    gain_db: float
    pan: float
    exclusive_class: int
    envelope: Envelope
    cutoff_hertz: float
    resonance_db: float
    sweep: Sweep | None
    low_velocity: int = 0
    high_velocity: int = 127

    @property
    def is_layer(self) -> bool:
        """True if the zone plays only in a part of the velocity range; further zones of the same keys play at the other
        velocities.
        """
        return (self.low_velocity, self.high_velocity) != (0, 127)

    def distance(self, pitch: int) -> int:
        """Return the number of keys between the MIDI pitch `pitch` and the range of this zone; 0 inside the range."""
        return max(self.low_key - pitch, pitch - self.high_key, 0)


@dataclass(frozen=True, slots=True)
class InstrumentZones:
    """All key zones of one instrument, and the gain that makes it as loud as other instruments at equal velocity."""

    gain_db: float
    zones: tuple[Zone, ...]

    def at(self, pitch: int, velocity: int = 127) -> tuple[Zone, ...]:
        """Return the key zones that sound at a MIDI pitch and velocity; outside of the instrument's range, the key
        zones of the nearest key that has any.
        """
        layer = [zone for zone in self.zones if zone.low_velocity <= velocity <= zone.high_velocity]
        nearest = min(zone.distance(pitch) for zone in layer)
        return tuple(zone for zone in layer if zone.distance(pitch) == nearest)

    @property
    def layer_starts(self) -> tuple[int, ...]:
        """The lowest velocity of each velocity layer, in ascending order."""
        return tuple(sorted({zone.low_velocity for zone in self.zones}))


@dataclass(frozen=True, slots=True)
class BankTable:
    """The table of the shipped instruments: the samples, the key zones of each instrument by name, and the checksum of
    the file with the samples.
    """

    data_sha256: str
    samples: tuple[Sample, ...]
    instruments: dict[str, InstrumentZones]
