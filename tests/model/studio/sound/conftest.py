import pytest

from model.studio.sound.bank import InstrumentBank


@pytest.fixture(scope="session")
def bank() -> InstrumentBank:
    return InstrumentBank.load()
