"""Tests of pinyin that the caller writes in lyrics, and of text that cannot be sung."""

from pathlib import Path

import pytest

from model.engine import EngineUnavailable
from model.song import InvalidParams
from model.studio.lyrics.chinese.pinyin import pinyin_line
from model.studio.lyrics.readings import check_readable, read_line
from model.studio.voice import repertoire
from model.studio.voice.repertoire import can_be_sung, mandarin_syllables
from tests.support.table import table


def sung(line: str) -> str:
    return " ".join(
        f"{syllable.reading}{syllable.sung_tone or ''}" for syllable in read_line(line, chinese=True).syllables
    )


@table(
    ("line", "shown", "said"),
    [
        ("人行(háng)道", "人行道", "ren2 hang2 dao4"),
        ("人行[hang2]道", "人行道", "ren2 hang2 dao4"),
        ("人行（háng）道", "人行道", "ren2 hang2 dao4"),
        ("人行［hang2］道", "人行道", "ren2 hang2 dao4"),
        ("人行【HANG2】道", "人行道", "ren2 hang2 dao4"),
        ("重(chong)要", "重要", "chong2 yao4"),
        ("长乐(cháng lè)宫", "长乐宫", "chang2 le4 gong1"),
        ("女(rǔ)士", "女士", "ru3 shi4"),
        ("绿(lv4)水", "绿水", "lv4 shui3"),
        ("你(nǐ)好(hǎo)", "你好", "ni3 hao3"),
        ("还(huan2)有 还(hai2)有", "还有 还有", "huan2 you3 hai2 you3"),
    ],
)
def test_a_reading_in_brackets_is_that_of_the_character(line: str, shown: str, said: str) -> None:
    assert sung(line) == said
    assert read_line(line, chinese=True).text == shown


@pytest.mark.parametrize("line", ["亮起来(ah)", "风吹过来 (wow oh oh)", "来（啦啦啦）", "我(love)你"])
def test_other_words_in_brackets_are_words(line: str) -> None:
    assert read_line(line, chinese=True).text == line
    assert len(read_line(line, chinese=True).syllables) > len(line.split("(")[0].split("（")[0].strip())


def test_a_reading_that_is_no_pinyin_is_told_and_not_sung() -> None:
    reading = read_line("人行(hanng2)道", chinese=True)
    assert reading.text == "人行道"
    assert reading.notes == ("(hanng2) is not a pinyin syllable; write it like háng or hang2",)


@table(
    ("line", "said"),
    [
        ("yè sè zhēn měi", "ye4 se4 zhen1 mei3"),
        ("ye4 se4 zhen1 mei3", "ye4 se4 zhen1 mei3"),
        ("wǒmen yìqǐ zǒu ba", "wo3 men5 yi4 qi2 zou3 ba5"),
        ("Wo3men5 hui2 jia1", "wo3 men5 hui2 jia1"),
        ("lǜ yè, nǚ hái", "lv4 ye4 nv3 hai2"),
        ("lu:4 ye4", "lv4 ye4"),
        ("Cháng'ān", "chang2 an1"),
        ("nǐ hǎo 世界", "ni2 hao3 shi4 jie4"),
        ("tian kong xia yu", "tian5 kong5 xia5 yu5"),
    ],
)
def test_a_line_of_pinyin_is_sung_as_pinyin(line: str, said: str) -> None:
    assert sung(line) == said


@table("line", ["la la la la", "he can sing", "À la folie je t'aime", "señor café", "so long my man", "MP3 U2"])
def test_other_lines_of_latin_letters_are_no_pinyin(line: str) -> None:
    assert all(syllable.tone == 0 for syllable in read_line(line, chinese=False).syllables)


@table("line", ["嗰個人喺邊度", "陳煇話俾你聽", "𠮷野家", "嘅咗啲嘢", "㐂㐃的人", "龯龰之歌", "囍"])
def test_every_syllable_of_a_line_is_one_that_the_voice_has(line: str) -> None:
    reading = read_line(line, chinese=True)
    assert reading.syllables
    assert all(can_be_sung(syllable) for syllable in reading.syllables)
    assert reading.read + reading.unread == len(line)


def test_every_character_of_gbk_is_sung_or_told_of() -> None:
    pairs = (bytes([first, last]) for first in range(0x81, 0xFF) for last in range(0x40, 0xFF))
    hanzi = [text for pair in pairs if len(text := pair.decode("gbk", "ignore")) == 1 and "\u3400" <= text <= "\u9fff"]
    reading = read_line("，".join(hanzi), chinese=True)
    assert len(hanzi) > 20_000
    assert all(can_be_sung(syllable) for syllable in set(reading.syllables))
    assert reading.read + reading.unread == len(hanzi)
    assert len(reading.syllables) + len(reading.skipped) == len(hanzi)


@table(
    ("line", "mostly"),
    [("我爱你 사랑해", True), ("さくら咲いて", False), ("Привет", False), ("你好 мир", False), ("你好世界 мир", True)],
)
def test_a_line_is_mostly_read_where_half_of_it_is(line: str, mostly: bool) -> None:
    assert read_line(line, chinese=True).mostly_read is mostly


def test_lyrics_of_which_less_than_half_can_be_sung_are_refused() -> None:
    check_readable([read_line("你好", chinese=True), read_line("да", chinese=True)])
    with pytest.raises(InvalidParams, match=r"lyrics: 3 of 5 letters cannot be sung .*write the words in these"):
        check_readable([read_line("你好", chinese=True), read_line("мир", chinese=True)])


@table("line", ["A4", "O2", "A4纸", "café", "résumé"])
def test_what_only_looks_like_pinyin_is_read_as_it_is_meant(line: str) -> None:
    assert not pinyin_line(line)


def test_the_voice_has_the_usual_syllables_of_mandarin() -> None:
    assert {"zhuang", "lv", "er", "n", "hng", "xiong"} <= mandarin_syllables()
    assert "hanng" not in mandarin_syllables()


def test_a_missing_table_of_the_voice_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(repertoire, "SHIPPED", tmp_path)
    repertoire.recorded.cache_clear()
    with pytest.raises(EngineUnavailable, match=r"voice.json.*restore"):
        repertoire.load()
    repertoire.recorded.cache_clear()


@table(
    "hostile",
    [
        "我(" + "a" * 3000 + "!",
        "我(" + "a " * 2000 + "!",
        "我(a" * 1000,
        "an" * 1500 + "z",
        "ān" * 1500,
        "la" * 1500 + "x",
        "o" * 3000,
        "aabbccddeeff" * 200,
        "wo3" * 1000,
    ],
)
def test_hostile_lines_are_read_within_a_time_that_grows_with_them(hostile: str) -> None:
    assert read_line(hostile, chinese=True).text == hostile
