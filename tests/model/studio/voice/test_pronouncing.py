from hypothesis import given
from hypothesis import strategies as st
from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_normal

from model.song import Syllable
from model.studio.voice.bank import VoiceBank
from model.studio.voice.english import pronounce
from model.studio.voice.pronouncing import utterance_of
from model.studio.voice.repertoire import can_be_sung
from model.studio.voice.utterance import Utterance
from tests.support.table import table

READINGS = sorted({to_normal(one).replace("ü", "v") for many in PINYIN_DICT.values() for one in many.split(",")})


def _pieces(utterance: Utterance) -> set[str]:
    return {utterance.rhyme, *utterance.before, *utterance.codas} | ({utterance.onset} if utterance.onset else set())


def test_every_mandarin_reading_is_recorded_or_put_together(voices: VoiceBank) -> None:
    assert len(READINGS) > 400
    for reading in READINGS:
        assert _pieces(utterance_of(Syllable("字", reading, 1, 1))) <= voices.syllables


@table(
    ("reading", "utterance"),
    [
        ("zhong", Utterance("zhong", "zhong")),
        ("ai", Utterance(None, "ai")),
        ("wo", Utterance(None, "wo")),
        ("yuan", Utterance(None, "yuan")),
        ("lv", Utterance("lv", "lv")),
        ("er", Utterance(None, "er")),
    ],
)
def test_mandarin_is_sung_as_it_was_recorded(reading: str, utterance: Utterance) -> None:
    assert utterance_of(Syllable("字", reading, 1, 1)) == utterance


@table(
    ("reading", "utterance"),
    [
        ("l ah v", Utterance("/l ah v", "/l ah v")),
        ("s t r iy t", Utterance("/s t r iy t", "/s t r iy t")),
        ("ay m", Utterance(None, "/ay m")),
        ("er", Utterance(None, "/er")),
    ],
)
def test_an_english_syllable_is_one_unit(reading: str, utterance: Utterance) -> None:
    assert utterance_of(Syllable("x", reading)) == utterance


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_every_english_syllable_has_units(voices: VoiceBank, word: str) -> None:
    for phones in pronounce(word):
        syllable = Syllable("x", " ".join(phones))
        assert can_be_sung(syllable)
        assert len(voices.take(utterance_of(syllable).rhyme).envelope) >= 16


def test_what_is_neither_mandarin_nor_english_cannot_be_sung() -> None:
    assert not any(can_be_sung(Syllable("x", reading)) for reading in ("q ah", "s t", "l ah v iy", ""))
