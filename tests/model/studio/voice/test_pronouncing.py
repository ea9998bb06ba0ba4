from hypothesis import given
from hypothesis import strategies as st
from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_normal

from model.song import Syllable
from model.studio.voice.bank import VoiceBank
from model.studio.voice.english import pronounce
from model.studio.voice.pronouncing import utterance_of
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
        ("l ah v", Utterance("la", "a", ("fa",), held=True)),
        ("s t r iy t", Utterance("ren", "yi", ("ta",), ("sa", "ta"))),
        ("s ih ng", Utterance("sa", "ying")),
        ("y uw", Utterance(None, "you")),
        ("k w ih k", Utterance("ka", "wei", ("ka",))),
        ("t ay m", Utterance("ta", "ai", ("ma",))),
        ("m uh n", Utterance("ma", "wu", ("na",), held=True)),
    ],
)
def test_english_is_put_together(reading: str, utterance: Utterance) -> None:
    assert utterance_of(Syllable("x", reading)) == utterance


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_every_english_syllable_has_pieces(voices: VoiceBank, word: str) -> None:
    for phones in pronounce(word):
        assert _pieces(utterance_of(Syllable("x", " ".join(phones)))) <= voices.syllables
