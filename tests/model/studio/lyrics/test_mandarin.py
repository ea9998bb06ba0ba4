"""Facts about characters with several readings and about the tones of connected speech."""

from pathlib import Path

import pytest

from model.engine import EngineUnavailable
from model.studio.lyrics import polyphones, simplified
from model.studio.lyrics.mandarin import read_mandarin
from model.training.text.build_simplified import pairs

PHRASES = Path(__file__).with_name("polyphones.txt").read_text(encoding="utf-8").splitlines()
"""Each a phrase of a song and how characters in it are read; a stroke divides readings that are both right."""


@pytest.mark.parametrize("row", PHRASES)
def test_characters_of_several_readings_are_read_by_their_context(row: str) -> None:
    phrase, *expected = row.split()
    spoken = read_mandarin(phrase)
    for item in expected:
        found = {reading for character, reading in zip(phrase, spoken, strict=True) if character == item[0]}
        assert found
        assert found <= set(item[1:].split("/"))


@pytest.mark.parametrize(
    ("phrase", "spoken"),
    [
        ("一切", "yi2 qie4"),
        ("一生一世", "yi4 sheng1 yi2 shi4"),
        ("一年又一年", "yi4 nian2 you4 yi4 nian2"),
        ("一起", "yi4 qi3"),
        ("唯一", "wei2 yi1"),
        ("万一", "wan4 yi1"),
        ("第一次", "di4 yi1 ci4"),
        ("一朵花", "yi4 duo3 hua1"),
        ("一万年", "yi2 wan4 nian2"),
        ("一个人", "yi2 ge4 ren2"),
        ("一九九七", "yi1 jiu2 jiu3 qi1|yi1 jiu3 jiu3 qi1"),
        ("不是", "bu2 shi4"),
        ("不怕", "bu2 pa4"),
        ("不来", "bu4 lai2"),
        ("不想", "bu4 xiang3"),
        ("不要", "bu2 yao4"),
        ("不见不散", "bu2 jian4 bu2 san4"),
        ("从不", "cong2 bu4"),
        ("绝不后悔", "jue2 bu2 hou4 hui3"),
        ("好不好", "hao3 bu4 hao3|hao3 bu5 hao3"),
        ("永远", "yong2 yuan3"),
        ("美好", "mei2 hao3"),
        ("手指", "shou2 zhi3"),
        ("我想你", "wo3 xiang2 ni3|wo2 xiang2 ni3"),
        ("我很好", "wo3 hen2 hao3|wo2 hen2 hao3"),
        ("你好吗", "ni2 hao3 ma5"),
        ("水果", "shui2 guo3"),
        ("也许", "ye2 xu3"),
        ("所以", "suo2 yi3"),
        ("只有你", "zhi2 you2 ni3|zhi3 you2 ni3"),
        ("给我一个吻", "gei2 wo3 yi2 ge4 wen3"),
        ("小雨", "xiao2 yu3"),
        ("雨伞", "yu2 san3"),
        ("可以", "ke2 yi3"),
        ("好久", "hao2 jiu3"),
        ("你我", "ni2 wo3"),
        ("我也想你", "wo2 ye3 xiang2 ni3|wo2 ye2 xiang2 ni3|wo3 ye2 xiang2 ni3"),
        ("孩子", "hai2 zi5"),
        ("我们", "wo3 men5"),
        ("什么", "shen2 me5"),
        ("怎么", "zen3 me5"),
        ("妈妈", "ma1 ma5|ma1 ma1"),
        ("爸爸", "ba4 ba5|ba4 ba4"),
        ("你呢", "ni3 ne5"),
        ("好吧", "hao3 ba5"),
        ("走了", "zou3 le5"),
        ("石头", "shi2 tou5|shi2 tou2"),
        ("那个", "na4 ge4|na4 ge5"),
        ("是的", "shi4 de5"),
        ("来啊", "lai2 a5|lai2 a1"),
        ("姐姐", "jie3 jie5"),
        ("奶奶", "nai3 nai5"),
        ("耳朵", "er3 duo5|er3 duo3"),
        ("哪里", "na2 li3"),
        ("嘴里", "zui2 li3"),
        ("手里", "shou2 li3|shou3 li5"),
        ("小姐", "xiao2 jie3|xiao3 jie5"),
    ],
)
def test_tones_bend_to_those_after_them(phrase: str, spoken: str) -> None:
    assert " ".join(read_mandarin(phrase)) in spoken.split("|")


@pytest.mark.parametrize("phrase", polyphones._PHRASE_READINGS)
def test_every_phrase_of_the_table_has_a_reading_for_each_character(phrase: str) -> None:
    assert len(polyphones._PHRASE_READINGS[phrase].split()) == len(phrase) == len(read_mandarin(phrase))


def test_a_missing_table_of_characters_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(simplified, "TABLE", tmp_path / "simplified.txt")
    simplified._table.cache_clear()
    with pytest.raises(EngineUnavailable, match=r"simplified.txt.*restore"):
        simplified.simplified("萬")
    simplified._table.cache_clear()


def test_the_table_keeps_the_usual_simplified_character_where_it_is_another() -> None:
    assert list(pairs(["乾\t干 乾", "著\t著 着", "萬\t万"])) == ["乾干", "萬万"]
