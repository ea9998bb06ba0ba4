import shutil
from pathlib import Path

import pytest

from model.engine import EngineUnavailable
from model.studio.sound import bank as bank_module
from model.studio.sound.bank import DATA_NAME, TABLE_NAME, InstrumentBank
from model.studio.style import DRUM_KITS, Instrument
from tests.support.table import table

SHIPPED = Path(bank_module.__file__).parents[1] / "instruments"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in (TABLE_NAME, DATA_NAME):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def test_a_missing_file_is_named_together_with_what_to_do(copy: Path) -> None:
    (copy / DATA_NAME).unlink()
    with pytest.raises(EngineUnavailable, match=r"samples\.ogg cannot be read.*build_instruments"):
        InstrumentBank.load(copy)


def test_a_changed_data_file_is_noticed(copy: Path) -> None:
    data = bytearray((copy / DATA_NAME).read_bytes())
    data[1000] ^= 1
    (copy / DATA_NAME).write_bytes(data)
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
