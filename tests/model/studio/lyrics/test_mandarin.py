"""Tests of the readings of Chinese characters with several readings, and of tone sandhi."""

from itertools import chain
from pathlib import Path

import pytest
from pypinyin import Style, pinyin

from model.engine import EngineUnavailable
from model.studio.lyrics.chinese import simplified, words
from model.studio.lyrics.chinese.mandarin import read_mandarin
from model.training.text.build_simplified import pairs
from tests.support.table import table

PHRASES = Path(__file__).with_name("polyphones.txt").read_text(encoding="utf-8").splitlines()
"""Rows with a phrase of a song and the readings of some of its characters; a slash divides readings that are all
correct.
"""


def test_characters_of_several_readings_are_read_by_their_context() -> None:
    assert [row for row in PHRASES if not is_read_as_said(row)] == []


def is_read_as_said(row: str) -> bool:
    """Return True if each marked character of a row of `PHRASES` has one of its expected readings, before or after tone
    sandhi.
    """
    phrase, *expected = row.split()
    readings = list(zip(phrase, *read_mandarin(phrase), strict=True))
    for item in expected:
        right = set(item[1:].split("/"))
        found = [{lexical, sung} for character, lexical, sung in readings if character == item[0]]
        if not found or not all(either & right for either in found):
            return False
    return True


SANDHI = (
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
)
"""Phrases and their readings after tone sandhi; a vertical bar divides readings that are all correct."""

BENT = {("一", "12"), ("一", "14"), ("不", "42")}
"""Characters with a tone sandhi of their own, with the digits of the lexical and of the sung tone."""

LEXICAL = {"一": ("yi1",), "不": ("bu4",)}
"""Characters with readings in the dictionary that only tone sandhi produces, and their lexical readings."""

LINES = (*(row.split()[0] for row in PHRASES), *(phrase for phrase, _ in SANDHI))


@table(("phrase", "spoken"), SANDHI)
def test_tones_bend_to_those_after_them(phrase: str, spoken: str) -> None:
    assert " ".join(read_mandarin(phrase).sung) in spoken.split("|")


def test_nothing_but_sandhi_sets_sung_tones_apart_from_lexical_ones() -> None:
    assert [phrase for phrase in LINES if not differs_by_sandhi_alone(phrase)] == []


def differs_by_sandhi_alone(phrase: str) -> bool:
    lexical, sung = read_mandarin(phrase)
    tones = [reading[-1] for reading in lexical]
    return [reading[:-1] for reading in lexical] == [reading[:-1] for reading in sung] and all(
        bent[-1] == tone or (character, tone + bent[-1]) in BENT or (tone, after, bent[-1]) == ("3", "3", "2")
        for character, tone, after, bent in zip(phrase, tones, [*tones[1:], ""], sung, strict=True)
    )


def test_lexical_tones_are_those_of_the_dictionary_or_neutral() -> None:
    assert [phrase for phrase in LINES if not has_tones_of_the_dictionary(phrase)] == []


def has_tones_of_the_dictionary(phrase: str) -> bool:
    for character, lexical in zip(phrase, read_mandarin(phrase).lexical, strict=True):
        spellings = [character, simplified.simplified(character)]
        known = pinyin(spellings, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True)
        if not lexical.endswith("5") and lexical not in LEXICAL.get(character, chain.from_iterable(known)):
            return False
    return True


@table(
    ("phrase", "lexical"),
    [
        ("一切", "yi1 qie4"),
        ("一起", "yi1 qi3"),
        ("一年又一年", "yi1 nian2 you4 yi1 nian2"),
        ("看一看", "kan4 yi1 kan4"),
        ("一万年", "yi1 wan4 nian2"),
        ("不是", "bu4 shi4"),
        ("不见不散", "bu4 jian4 bu4 san4"),
        ("差不多", "cha4 bu5 duo1"),
        ("美好", "mei3 hao3"),
        ("我想你", "wo3 xiang3 ni3"),
        ("给我一个吻", "gei3 wo3 yi1 ge4 wen3"),
        ("不了解你", "bu4 liao3 jie3 ni3"),
        ("竹篮打水一场空", "zhu2 lan2 da3 shui3 yi1 chang2 kong1"),
        ("走了的人", "zou3 le5 de5 ren2"),
        ("看着孩子们", "kan4 zhe5 hai2 zi5 men5"),
        ("姐姐的耳朵", "jie3 jie5 de5 er3 duo5"),
        ("长大的小雨", "zhang3 da4 de5 xiao3 yu3"),
        ("银行很远", "yin2 hang2 hen3 yuan3"),
        ("捲起", "juan3 qi3"),
    ],
)
def test_lexical_tones_do_not_bend(phrase: str, lexical: str) -> None:
    assert " ".join(read_mandarin(phrase).lexical) == lexical


def test_every_word_of_the_table_is_read_as_it_says() -> None:
    wrong = [
        word
        for character, listed in words._words().items()
        for word in listed
        if word.text[word.place] != character or words.reading_in_word(word.text, word.place) != word.reading
    ]
    assert len(words._words()) > 100
    assert wrong == []


def test_a_missing_table_of_readings_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(words, "TABLE", tmp_path / "polyphones.txt")
    words._words.cache_clear()
    with pytest.raises(EngineUnavailable, match=r"polyphones.txt.*restore"):
        words.reading_in_word("重来", 0)
    words._words.cache_clear()


def test_a_missing_table_of_characters_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(simplified, "TABLE", tmp_path / "simplified.txt")
    simplified._table.cache_clear()
    with pytest.raises(EngineUnavailable, match=r"simplified.txt.*restore"):
        simplified.simplified("萬")
    simplified._table.cache_clear()


def test_the_table_keeps_the_usual_simplified_character_where_it_is_another() -> None:
    assert list(pairs(["乾\t干 乾", "著\t著 着", "萬\t万"])) == ["乾干", "萬万"]
