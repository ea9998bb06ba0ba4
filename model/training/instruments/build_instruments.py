"""Builds the shipped instruments from two General MIDI SoundFonts, the second one for the piano.

Run with `python -m model.training.instruments.build_instruments FluidR3Mono_GM.sf3 MuseScore_General_Lite.sf3`; it
rewrites `model/studio/instruments/`. The result is two chained Ogg files with samples and a JSON table of key zones.
Recorded samples are copied (those of the piano shortened); derived ones are encoded. Needs the package pyworld.
"""

import argparse
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import soundfile

from model.studio.sound.bank import DATA_NAMES, TABLE_NAME, InstrumentBank
from model.studio.sound.sampler import side_gains
from model.studio.sound.tones import Brightness
from model.studio.sound.zones import SAMPLE_RATE_HERTZ, BankTable, Envelope, InstrumentZones, Sample, Sweep, Zone
from model.studio.style import Instrument
from model.training.instruments.measures import Stereo, cents_off, momentary_lufs
from model.training.instruments.recorded_piano import recorded_piano
from model.training.instruments.recording import Recording
from model.training.instruments.shakuhachi_keys import shakuhachi_keys
from model.training.instruments.soundfont import FontZone, Generator, SoundFont

DRUM_BANK = 128
PROGRAMS: Mapping[Instrument, tuple[int, int]] = {
    Instrument.ELECTRIC_PIANO: (0, 4),
    Instrument.MUSIC_BOX: (0, 10),
    Instrument.VIBRAPHONE: (0, 11),
    Instrument.ORGAN: (0, 16),
    Instrument.ACCORDION: (0, 21),
    Instrument.NYLON_GUITAR: (0, 24),
    Instrument.STEEL_GUITAR: (0, 25),
    Instrument.CLEAN_GUITAR: (0, 27),
    Instrument.OVERDRIVEN_GUITAR: (0, 29),
    Instrument.ACOUSTIC_BASS: (0, 32),
    Instrument.FINGER_BASS: (0, 33),
    Instrument.SYNTH_BASS: (0, 38),
    Instrument.STRINGS: (0, 48),
    Instrument.SLOW_STRINGS: (0, 49),
    Instrument.PIZZICATO: (0, 45),
    Instrument.HARP: (0, 46),
    Instrument.CHOIR: (0, 52),
    Instrument.HORN: (0, 60),
    Instrument.BRASS: (0, 61),
    Instrument.SAXOPHONE: (0, 65),
    Instrument.OBOE: (0, 68),
    Instrument.CLARINET: (0, 71),
    Instrument.FLUTE: (0, 73),
    Instrument.SHAKUHACHI: (0, 77),
    Instrument.SYNTH_LEAD: (0, 81),
    Instrument.WARM_PAD: (0, 89),
    Instrument.POLY_SYNTH: (0, 90),
    Instrument.KOTO: (0, 107),
    Instrument.CELLO: (0, 42),
    Instrument.VIOLIN: (0, 40),
    Instrument.DRUM_KIT: (DRUM_BANK, 0),
}
"""Bank and program number in the SoundFont of every instrument except the piano, which has a SoundFont of its own."""

_DRUM_PANS: Mapping[int, float] = {
    **dict.fromkeys((37, 39), 0.1),
    **dict.fromkeys((42, 44, 46), 0.25),
    **{key: (45 - key) * 0.06 for key in (41, 43, 45, 47, 48, 50)},
    **dict.fromkeys((49, 51, 53, 59), -0.3),
    **dict.fromkeys((52, 55, 57), 0.3),
    **dict.fromkeys((54, 69, 70, 82), -0.35),
    **dict.fromkeys((60, 61, 65, 66, 75, 80, 81), 0.3),
    **dict.fromkeys((56, 62, 63, 64, 76, 77), -0.2),
}
"""Pan of the pieces of the drum kit, which the SoundFont has in mono; kick, snare and others stay in the centre."""

MELODIC_KEYS = (26, 98)
DRUM_KEYS = (35, 82)
BASS_PITCHES = (31, 36, 43)
MIDDLE_PITCHES = (52, 60, 67, 76)
NOTE_LOUDNESS_LUFS = -20.0
"""Loudness of one note at full velocity over its loudest 400 ms, equal for all instruments."""

_BASSES = (Instrument.ACOUSTIC_BASS, Instrument.FINGER_BASS, Instrument.SYNTH_BASS)
_FULL_VELOCITY = 127
_EVENNESS = 0.6
_LARGEST_STEP_DB = 6.0
_AUDIBLE_SWEEP_CENTS = 600
_OPEN_CUTOFF_CENTS = 13000
_ATTENUATION_SHARE = 0.4
"""Factor on attenuation in dB: SoundFont players scale attenuation as the EMU8000 chip did."""


def build(font: SoundFont, piano_font: SoundFont, folder: Path) -> None:
    """Write the table and the samples of all instruments into `folder`; the same SoundFonts give the same bytes."""
    zones = {instrument: _zones(font, *PROGRAMS[instrument]) for instrument in PROGRAMS}
    wanted = sorted({zone.sample for rows in zones.values() for zone in rows})
    streams = [font.ogg_bytes(sample) for sample in wanted]
    place = {sample: index for index, sample in enumerate(wanted)}
    placed = {i: [replace(zone, sample=place[zone.sample]) for zone in rows] for i, rows in zones.items()}
    (shakuhachi,) = placed[Instrument.SHAKUHACHI]
    keys = shakuhachi_keys(Recording(shakuhachi, streams[shakuhachi.sample]))
    placed[Instrument.SHAKUHACHI] = _appended(keys, streams)
    beside_piano = len(streams)
    piano = _appended(recorded_piano(piano_font), streams)
    placed = {Instrument.PIANO: piano, **placed}
    files = [b"".join(streams[:beside_piano]), b"".join(streams[beside_piano:])]
    data = b"".join(files)
    contents = {instrument.value: InstrumentZones(0.0, tuple(rows)) for instrument, rows in placed.items()}
    table = BankTable(hashlib.sha256(data).hexdigest(), _samples(streams), contents)
    corrected = replace(table, instruments={i.value: _corrected(table, data, i) for i in placed})
    for name, part in zip(DATA_NAMES, files, strict=True):
        (folder / name).write_bytes(part)
    (folder / TABLE_NAME).write_text(_as_json(corrected), encoding="utf-8")


def _appended(recordings: Sequence[Recording], streams: list[bytes]) -> list[Zone]:
    """Add new streams of the recordings to `streams`; return the key zones, with `sample` as the index in `streams`."""
    zones = []
    for recording in recordings:
        if recording.stream not in streams:
            streams.append(recording.stream)
        zones.append(replace(recording.zone, sample=streams.index(recording.stream)))
    return zones


def _zones(font: SoundFont, bank: int, program: int) -> list[Zone]:
    low, high = DRUM_KEYS if bank == DRUM_BANK else MELODIC_KEYS
    rows = [zone for zone in font.zones(bank, program) if zone.velocities[1] == _FULL_VELOCITY]
    zones = [_zone(font, row) for row in rows if row.keys[0] <= high and row.keys[1] >= low]
    if bank == DRUM_BANK:
        return [replace(zone, pan=_DRUM_PANS.get(zone.low_key, 0.0)) for zone in zones]
    return zones


def _zone(font: SoundFont, row: FontZone) -> Zone:
    """Convert a key zone of a SoundFont to physical units (decibels, seconds, MIDI pitch; SoundFont 2.04, section
    8.1.3) and return it.
    """
    header = font.samples[row.sample]
    root_key = row.amount(Generator.ROOT_KEY)
    tuning_cents = row.amount(Generator.FINE_TUNE) + 100 * row.amount(Generator.COARSE_TUNE) + header.correction_cents
    looped = row.amount(Generator.SAMPLE_MODES) & 1 and header.loop_end > header.loop_start + 8
    return Zone(
        low_key=row.keys[0],
        high_key=row.keys[1],
        sample=row.sample,
        root_pitch=round((root_key if root_key >= 0 else header.root_key) - tuning_cents / 100.0, 4),
        loop=(header.loop_start, header.loop_end) if looped else None,
        gain_db=-_ATTENUATION_SHARE * row.amount(Generator.ATTENUATION) / 10.0,
        pan=max(-1.0, min(1.0, row.amount(Generator.PAN) / 500.0)),
        exclusive_class=row.amount(Generator.EXCLUSIVE_CLASS),
        envelope=_envelope(row),
        cutoff_hertz=round(8.176 * 2.0 ** (row.amount(Generator.FILTER_CUTOFF) / 1200.0), 1),
        resonance_db=max(0.0, row.amount(Generator.FILTER_RESONANCE) / 10.0),
        sweep=_sweep(row),
    )


def _envelope(row: FontZone) -> Envelope:
    return Envelope(
        delay_seconds=_seconds(row, Generator.DELAY),
        attack_seconds=_seconds(row, Generator.ATTACK),
        hold_seconds=_seconds(row, Generator.HOLD),
        decay_seconds=_seconds(row, Generator.DECAY),
        sustain_db=max(0.0, row.amount(Generator.SUSTAIN) / 10.0),
        release_seconds=_seconds(row, Generator.RELEASE),
    )


def _sweep(row: FontZone) -> Sweep | None:
    cents = row.amount(Generator.MOD_ENVELOPE_TO_FILTER)
    if cents < _AUDIBLE_SWEEP_CENTS or row.amount(Generator.FILTER_CUTOFF) >= _OPEN_CUTOFF_CENTS:
        return None
    return Sweep(
        cents=float(cents),
        attack_seconds=_seconds(row, Generator.MOD_ATTACK),
        hold_seconds=_seconds(row, Generator.MOD_HOLD),
        decay_seconds=_seconds(row, Generator.MOD_DECAY),
        sustain=1.0 - min(1000, max(0, row.amount(Generator.MOD_SUSTAIN))) / 1000.0,
    )


def _seconds(row: FontZone, generator: Generator) -> float:
    timecents = row.amount(generator)
    return 0.0 if timecents <= -12000 else round(2.0 ** (timecents / 1200.0), 5)


def _samples(streams: Sequence[bytes]) -> tuple[Sample, ...]:
    samples, offset = [], 0
    for stream in streams:
        info = soundfile.info(io.BytesIO(stream))
        samples.append(Sample(offset, len(stream), info.frames, info.samplerate))
        offset += len(stream)
    return tuple(samples)


def _corrected(table: BankTable, data: bytes, instrument: Instrument) -> InstrumentZones:
    """Return an instrument's key zones in tune and equally loud, and the gain to the loudness of all instruments."""
    content = table.instruments[instrument.value]
    if instrument is Instrument.DRUM_KIT:
        return content
    sounds = [_note(table, data, instrument, _middle(zone), zone.high_velocity) for zone in content.zones]
    measured = [momentary_lufs(sound) for sound in sounds]
    mean_lufs = float(np.mean(measured))
    layers = {start: _layer_lufs(content.zones, measured, start) for start in content.layer_starts}
    zones = tuple(
        _corrected_zone(zone, sound, lufs, layers[zone.low_velocity], mean_lufs)
        for zone, sound, lufs in zip(content.zones, sounds, measured, strict=True)
    )
    even = replace(table, instruments={instrument.value: InstrumentZones(0.0, zones)})
    pitches = BASS_PITCHES if instrument in _BASSES else MIDDLE_PITCHES
    loudness = float(np.mean([momentary_lufs(_note(even, data, instrument, pitch)) for pitch in pitches]))
    return InstrumentZones(round(NOTE_LOUDNESS_LUFS - loudness, 2), zones)


def _layer_lufs(zones: Sequence[Zone], measured: Sequence[float], start: int) -> float:
    """Return the mean of the loudness `measured` for each zone, over the layer that begins at the velocity `start`."""
    return float(np.mean([lufs for zone, lufs in zip(zones, measured, strict=True) if zone.low_velocity == start]))


def _corrected_zone(zone: Zone, sound: Stereo, lufs: float, layer_lufs: float, mean_lufs: float) -> Zone:
    """Return a key zone in tune, with a gain that makes velocity layers equally loud in the mean. `sound` is the note
    of the zone's middle key, with all zones that sound at it, so that intended detuning is kept, and `lufs` its
    loudness. The mean loudness is `layer_lufs` in the zone's velocity layer, and `mean_lufs` in all zones.
    """
    step_db = _EVENNESS * (layer_lufs - lufs)
    step_db = min(max(step_db, -_LARGEST_STEP_DB), _LARGEST_STEP_DB) + mean_lufs - layer_lufs
    cents = cents_off(sound, _middle(zone))
    return replace(
        zone,
        gain_db=round(zone.gain_db + step_db, 2),
        root_pitch=round(zone.root_pitch + cents / 100.0, 4),
    )


def _middle(zone: Zone) -> int:
    """Return the MIDI key at which a key zone is measured: the middle of its range, but within four semitones of the
    sample's recorded pitch where the range allows it.
    """
    low, high = max(zone.low_key, MELODIC_KEYS[0]), min(zone.high_key, MELODIC_KEYS[1])
    nearest = round(zone.root_pitch)
    return min(max((low + high) // 2, min(nearest - 4, high)), max(nearest + 4, low))


def _note(table: BankTable, data: bytes, instrument: Instrument, pitch: int, velocity: int = _FULL_VELOCITY) -> Stereo:
    """Return the sound [2, samples] at 48 kHz of one note of one second at MIDI `pitch`: the velocity layer of
    `velocity`, at full level, without the random changes that the sampler makes to every note.
    """
    bank = InstrumentBank(table, data)
    sound = np.zeros((2, SAMPLE_RATE_HERTZ), np.float32)
    for zone in bank.zones(instrument, pitch, velocity):
        heard = bank.tone(zone, pitch, Brightness.LOUD).read(0, SAMPLE_RATE_HERTZ)
        gain = np.float32(10.0 ** ((bank.gain_db(instrument) + zone.gain_db) / 20.0))
        for channel, side in zip(sound, side_gains(zone.pan), strict=True):
            channel[: len(heard)] += side * gain * heard
    return sound


def _as_json(table: BankTable) -> str:
    """Return the table as JSON with one sample or zone per line, so that version control shows readable differences."""

    def lines(rows: Sequence[object]) -> str:
        return ",\n".join(json.dumps(row) for row in rows)

    def instrument(name: str, content: InstrumentZones) -> str:
        zones = lines([_row(zone) for zone in content.zones])
        return f'{json.dumps(name)}: {{"gain_db": {content.gain_db}, "zones": [\n{zones}]}}'

    instruments = ",\n".join(instrument(name, content) for name, content in table.instruments.items())
    samples = lines([asdict(sample) for sample in table.samples])
    head = f'"data_sha256": {json.dumps(table.data_sha256)},\n"samples": [\n{samples}],\n'
    return f'{{{head}"instruments": {{\n{instruments}}}}}\n'


def _row(zone: Zone) -> dict[str, object]:
    """Return a zone as a row of the table, without its velocity range if the zone plays at all velocities."""
    row = asdict(zone)
    return row if zone.is_layer else {name: value for name, value in row.items() if not name.endswith("_velocity")}


def main() -> None:
    """Command line: read two SoundFont files, and write the samples and the table of the shipped instruments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("font", type=Path, help="file of a General MIDI SoundFont in SF3 format")
    parser.add_argument(
        "piano_font", type=Path, help="file of the SoundFont MuseScore_General in SF3 format, for the piano"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("model/studio/instruments"), help="folder to write the instruments into"
    )
    arguments = parser.parse_args()
    build(SoundFont.read(arguments.font), SoundFont.read(arguments.piano_font), arguments.folder)


if __name__ == "__main__":
    main()
