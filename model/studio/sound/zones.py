"""Table of the shipped instruments: their samples, and the key zones that play the samples."""

from dataclasses import dataclass

SAMPLE_RATE_HERTZ = 48_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded sample: the position of its Ogg Vorbis stream in the data file, and the size of the decoded sound.

    It decodes to `frames` mono values at `sample_rate_hertz`.
    """

    offset: int
    size_bytes: int
    frames: int
    sample_rate_hertz: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """The loudness of a note over time, while its key is held and after.

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
    """A movement of the lowpass filter: its cutoff rises by `cents` within the attack, holds, and falls to `sustain` (0
    to 1) of that.
    """

    cents: float
    attack_seconds: float
    hold_seconds: float
    decay_seconds: float
    sustain: float


@dataclass(frozen=True, slots=True)
class Zone:
    """A key zone: a sample that plays a range of keys.

    Attributes:
        low_key: lowest MIDI key, inclusive.
        high_key: highest MIDI key, inclusive.
        sample: index into the table's samples.
        root_pitch: MIDI pitch at which the sample sounds as recorded; fractions are fine tuning.
        loop: first sample of the loop and the first one after it, `None` for one shot.
        gain_db: level next to the other zones of the instrument.
        pan: -1 (left) to 1 (right).
        exclusive_class: a note silences the sounding ones of its class; 0: no class.
        envelope: loudness over time.
        cutoff_hertz: lowpass at full velocity.
        resonance_db: height of the lowpass's peak.
        sweep: movement of the lowpass, `None` when it stands still.
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

    def distance(self, pitch: int) -> int:
        """Return the number of keys between `pitch` and this zone's range; 0 inside of it."""
        return max(self.low_key - pitch, pitch - self.high_key, 0)


@dataclass(frozen=True, slots=True)
class InstrumentZones:
    """All zones of one instrument, and the gain that makes it as loud as other instruments at equal velocity."""

    gain_db: float
    zones: tuple[Zone, ...]

    def at(self, pitch: int) -> tuple[Zone, ...]:
        """Return the zones that sound for `pitch`; outside of the instrument's range, those of the nearest key."""
        nearest = min(zone.distance(pitch) for zone in self.zones)
        return tuple(zone for zone in self.zones if zone.distance(pitch) == nearest)


@dataclass(frozen=True, slots=True)
class BankTable:
    """The table of the shipped instruments: samples, instruments by name, and the checksum of the data file of the
    samples.
    """

    data_sha256: str
    samples: tuple[Sample, ...]
    instruments: dict[str, InstrumentZones]
