import pytest

from model.studio.voice.bank import VoiceBank


@pytest.fixture(scope="session")
def voices() -> VoiceBank:
    return VoiceBank.load()
