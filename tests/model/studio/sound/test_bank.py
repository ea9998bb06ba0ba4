import shutil
from pathlib import Path

import numpy as np
import pytest

from model.engine import EngineUnavailable
from model.studio.arrange.players import pitch_range
from model.studio.sound import bank as bank_module
from model.studio.sound.bank import DATA_NAMES, TABLE_NAME, InstrumentBank
from model.studio.sound.tones import Brightness
from model.studio.style import DRUM_KITS, Instrument
from tests.support.table import table

SHIPPED = Path(bank_module.__file__).parents[1] / "instruments"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in (TABLE_NAME, *DATA_NAMES):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", DATA_NAMES)
def test_a_missing_file_is_named_together_with_what_to_do(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(EngineUnavailable, match=rf"{name} cannot be read.*build_instruments"):
        InstrumentBank.load(copy)


@pytest.mark.parametrize("name", DATA_NAMES)
def test_a_changed_data_file_is_noticed(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[1000] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(EngineUnavailable, match="checksum"):
        InstrumentBank.load(copy)


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"data_sha256": "", "samples": [1], "instruments": {}}'])
def test_a_damaged_table_is_noticed(copy: Path, text: str) -> None:
    (copy / TABLE_NAME).write_text(text)
    with pytest.raises(EngineUnavailable, match="damaged"):
        InstrumentBank.load(copy)


def test_a_table_without_an_instrument_is_refused(copy: Path) -> None:
    text = (copy / TABLE_NAME).read_text()
    (copy / TABLE_NAME).write_text(text.replace('"koto"', '"kazoo"'))
    with pytest.raises(EngineUnavailable, match="lacks these instruments: koto"):
        InstrumentBank.load(copy)


@table("instrument", [i for i in Instrument if i not in DRUM_KITS])
def test_every_instrument_answers_every_pitch(bank: InstrumentBank, instrument: Instrument) -> None:
    assert all(bank.zones(instrument, pitch) for pitch in range(128))


def test_the_kit_has_the_keys_of_general_midi_from_35_to_81(bank: InstrumentBank) -> None:
    assert [key for key in range(35, 82) if not bank.zones(Instrument.DRUM_KIT, key)] == []
    assert bank.zones(Instrument.DRUM_KIT, 20) == ()


def test_loading_decodes_nothing_and_warming_only_what_is_named(bank: InstrumentBank) -> None:
    fresh = InstrumentBank.load()
    assert fresh.decoded_bytes == 0
    fresh.warm([Instrument.KOTO])
    assert 0 < fresh.decoded_bytes < 2**20


def test_the_shipped_files_are_small() -> None:
    assert all(file.stat().st_size < 5 * 2**20 for file in SHIPPED.iterdir())


def test_the_piano_has_two_recorded_layers_and_each_velocity_plays_one(bank: InstrumentBank) -> None:
    for pitch in (0, 40, 60, 84, 127):
        soft, loud = (bank.zones(Instrument.PIANO, pitch, velocity) for velocity in (1, 127))
        played = {bank.zones(Instrument.PIANO, pitch, velocity) for velocity in range(1, 128)}
        assert played == {soft, loud}
        assert soft[0].sample != loud[0].sample
        assert soft[0].high_velocity + 1 == loud[0].low_velocity


def test_the_harder_layer_of_the_piano_is_brighter_at_the_same_loudness(bank: InstrumentBank) -> None:
    spectra = []
    for velocity in (1, 127):
        (zone,) = bank.zones(Instrument.PIANO, 57, velocity)
        sound = bank.tone(zone, 57, Brightness.LOUD).read(0, 48_000) * 10 ** (zone.gain_db / 20)
        spectra.append(np.abs(np.fft.rfft(sound)) ** 2)
    soft, loud = spectra
    assert 10 * np.log10(loud[5_000:9_000].sum() / soft[5_000:9_000].sum()) > 10
    assert abs(10 * np.log10(loud.sum() / soft.sum())) < 4


def test_an_instrument_without_layers_plays_the_same_zones_at_all_velocities(bank: InstrumentBank) -> None:
    assert bank.zones(Instrument.FLUTE, 70, 1) == bank.zones(Instrument.FLUTE, 70, 127)


def test_no_key_of_the_shakuhachi_is_transposed_by_more_than_three_semitones(bank: InstrumentBank) -> None:
    low, high = pitch_range(Instrument.SHAKUHACHI)
    zones = {pitch: bank.zones(Instrument.SHAKUHACHI, pitch) for pitch in range(low, high + 1)}
    assert max(abs(zone.root_pitch - pitch) for pitch, found in zones.items() for zone in found) < 3
