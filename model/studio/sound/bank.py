"""Opens the shipped instruments: checks their files once, and decodes each sample when a note first needs it."""

import hashlib
import io
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import soundfile

from model.engine import EngineUnavailable
from model.studio.sound.oscillators import compute_instruments
from model.studio.sound.tones import Brightness, Samples, Tone, ToneCache
from model.studio.sound.zones import SAMPLE_RATE_HERTZ, BankTable, Envelope, InstrumentZones, Sample, Sweep, Zone
from model.studio.style import DRUM_KITS, Instrument

TABLE_NAME = "instruments.json"
DATA_NAMES = ("samples.ogg", "piano.ogg")
_SHIPPED = Path(__file__).resolve().parents[1] / "instruments"
_TONE_CACHE_BYTES = 48 * 2**20
_COUNTED_TONES = 16

ToneKey: TypeAlias = tuple[str, int, int, int, int]


class InstrumentBank:
    """All sampled and synthesised instruments of the studio engine, shared by all songs of a process; not
    thread-safe.
    """

    def __init__(self, table: BankTable, data: bytes) -> None:
        self._table = table
        self._data = data
        self._computed = compute_instruments(len(table.samples))
        self._decoded: dict[int, Samples] = {}
        self._layer_starts: dict[Instrument, tuple[int, ...]] = {}
        self._found: dict[tuple[Instrument, int, int], tuple[Zone, ...]] = {}
        self._tones = ToneCache(_TONE_CACHE_BYTES, _COUNTED_TONES)

    @classmethod
    def load(cls, path: Path | None = None) -> "InstrumentBank":
        """Open the instruments in the folder `path`, by default the shipped ones, without decoding samples.

        Raises:
            EngineUnavailable: a file is missing, damaged or lacks an instrument.
        """
        folder = path or _SHIPPED
        try:
            table = parse_table((folder / TABLE_NAME).read_text(encoding="utf-8"))
            data = b"".join((folder / name).read_bytes() for name in DATA_NAMES)
        except OSError as error:
            raise _unavailable(f"{error.filename} cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError) as error:
            raise _unavailable(f"the file {TABLE_NAME} is damaged ({error})") from error
        if hashlib.sha256(data).hexdigest() != table.data_sha256:
            raise _unavailable(f"the files {' and '.join(DATA_NAMES)} do not match their checksum in {TABLE_NAME}")
        present = table.instruments.keys() | compute_instruments(len(table.samples)).instruments.keys()
        absent = [instrument.value for instrument in Instrument if instrument.value not in present]
        if absent:
            raise _unavailable(f"{TABLE_NAME} lacks these instruments: {', '.join(absent)}")
        return cls(table, data)

    @property
    def decoded_bytes(self) -> int:
        """Memory taken by the decoded samples, in bytes."""
        return sum(samples.nbytes for samples in self._decoded.values())

    def warm(self, instruments: Iterable[Instrument]) -> None:
        """Decode all samples of `instruments` now instead of at the first note of each sample."""
        for instrument in instruments:
            for zone in self._zones(instrument).zones:
                self._samples(zone.sample)

    def gain_db(self, instrument: Instrument) -> float:
        """Return the gain in dB that makes `instrument` as loud as the others at the same velocity."""
        return self._zones(instrument).gain_db

    def zones(self, instrument: Instrument, pitch: int, velocity: int = 127) -> tuple[Zone, ...]:
        """Return the key zones that sound together at the MIDI pitch `pitch` and a velocity; outside of the
        instrument's range the nearest zones, transposed.

        Drums are not transposed: a pitch that the drum kit does not have gives no zone.
        """
        if instrument not in self._layer_starts:
            self._layer_starts[instrument] = self._zones(instrument).layer_starts
        key = (instrument, pitch, bisect_right(self._layer_starts[instrument], velocity))
        if key not in self._found:
            zones = self._zones(instrument).at(pitch, velocity)
            transposed = instrument not in DRUM_KITS
            self._found[key] = tuple(zone for zone in zones if transposed or zone.distance(pitch) == 0)
        return self._found[key]

    def tone(self, zone: Zone, pitch: int, brightness: Brightness, cents: int = 0) -> Tone:
        """Return the sound of `zone` played at the MIDI pitch `pitch`, shifted by `cents`; notes with the same
        parameters share one tone.
        """

        def make() -> Tone:
            return Tone(self._samples(zone.sample), self._rate_hertz(zone.sample), zone, pitch, brightness, cents)

        return self._tones.get(zone, pitch, brightness, cents, make)

    def tone_key(self, tone: Tone) -> ToneKey:
        """Return a key that identifies a tone of this bank in every process: instrument, key zone, pitch, brightness
        and cents.
        """
        for name, instrument in self._instruments():
            for number, zone in enumerate(instrument.zones):
                if zone is tone.zone:
                    return name, number, tone.pitch, int(tone.brightness), tone.cents
        raise KeyError("the tone does not belong to this bank of instruments. This is a bug: please report it")

    def tone_of(self, key: ToneKey) -> Tone:
        """Return the tone (the sound of a key zone at one pitch) that a key from `tone_key` identifies."""
        name, number, pitch, brightness, cents = key
        zone = self._zones(Instrument(name)).zones[number]
        return self.tone(zone, pitch, Brightness(brightness), cents)

    def _instruments(self) -> Iterable[tuple[str, InstrumentZones]]:
        yield from self._computed.instruments.items()
        yield from self._table.instruments.items()

    def _zones(self, instrument: Instrument) -> InstrumentZones:
        computed = self._computed.instruments.get(instrument.value)
        return computed or self._table.instruments[instrument.value]

    def _rate_hertz(self, index: int) -> int:
        recorded = index < self._computed.first_sample
        return self._table.samples[index].sample_rate_hertz if recorded else SAMPLE_RATE_HERTZ

    def _samples(self, index: int) -> Samples:
        if index >= self._computed.first_sample:
            return self._computed.samples[index - self._computed.first_sample]
        if index not in self._decoded:
            sample = self._table.samples[index]
            stream = io.BytesIO(self._data[sample.offset : sample.offset + sample.size_bytes])
            self._decoded[index] = np.asarray(soundfile.read(stream, dtype="float32")[0], np.float32)
        return self._decoded[index]


def parse_table(text: str) -> BankTable:
    """Parse the JSON table of the instruments and their samples.

    Raises:
        ValueError, KeyError, TypeError: the text is not a valid table of instruments.
    """
    content = json.loads(text)
    return BankTable(
        data_sha256=content["data_sha256"],
        samples=tuple(Sample(**row) for row in content["samples"]),
        instruments={name: _instrument(rows) for name, rows in content["instruments"].items()},
    )


def _instrument(rows: Mapping[str, Any]) -> InstrumentZones:
    return InstrumentZones(rows["gain_db"], tuple(_zone(row) for row in rows["zones"]))


def _zone(row: Mapping[str, Any]) -> Zone:
    loop, sweep = row["loop"], row["sweep"]
    nested = {
        "loop": tuple(loop) if loop else None,
        "envelope": Envelope(**row["envelope"]),
        "sweep": Sweep(**sweep) if sweep else None,
    }
    return Zone(**{**row, **nested})


def _unavailable(reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"the instruments of the studio engine cannot be opened: {reason}; restore model/studio/instruments from the "
        "repository, or build it anew with python -m model.training.instruments.build_instruments"
    )
