import numpy as np
import pytest

from model.studio.voice.bank import VoiceBank
from model.studio.voice.envelope import BANDS
from model.studio.voice.synthesis import SAMPLE_RATE_HERTZ
from model.training.voice.aspiration import is_aspirated, lenders
from tests.support.table import table


def _vowel(formant: int) -> np.ndarray:
    """Return the spectrum of a vowel in dB, [BANDS], which is loudest in band `formant`."""
    envelope = np.full(BANDS, -40.0)
    envelope[formant] = -10.0
    return envelope


VOWELS = {"pa": _vowel(20), "pi": _vowel(8), "pan": _vowel(20), "ka": _vowel(20)}


def test_who_has_no_aspiration_borrows_from_the_same_initial_before_the_likest_vowel() -> None:
    assert lenders({"pa": 0.015, "pi": 0.08, "pan": 0.09, "ka": 0.1}, VOWELS) == {"pa": "pan"}


def test_who_has_none_either_lends_nothing() -> None:
    assert lenders({"pa": 0.015, "pi": 0.08, "pan": 0.02, "ka": 0.1}, VOWELS) == {"pa": "pi", "pan": "pi"}


def test_a_consonant_that_nobody_can_lend_is_an_error() -> None:
    with pytest.raises(ValueError, match="no recording of k"):
        lenders({"ka": 0.01, "pa": 0.09}, VOWELS)


@table("name", ["ba", "zhi", "shi", "ma", "a"])
def test_other_initials_may_be_short(name: str) -> None:
    assert is_aspirated(name, 0.0)


def test_the_shipped_voice_aspirates() -> None:
    bank = VoiceBank.load()
    assert not [n for n in bank.syllables if not is_aspirated(n, len(bank.take(n).consonant) / SAMPLE_RATE_HERTZ)]
