"""Tests of the reading of numbers and signs in lyrics, in Chinese and in English."""

import pytest

from model.shared.chinese_numbers import in_chinese
from model.studio.lyrics.english_numbers import in_english
from model.studio.lyrics.readings import TooManySyllables, read_line
from tests.support.table import table

CHINESE = (
    ("走了1000里", "zou3 le5 yi4 qian1 li3"),
    ("等我1000年", "deng2 wo3 yi4 qian1 nian2"),
    ("1987年的夏天", "yi1 jiu3 ba1 qi1 nian2 de5 xia4 tian1"),
    ("5000年的歌", "wu3 qian1 nian2 de5 ge1"),
    ("相隔308公里", "xiang1 ge2 san1 bai3 ling2 ba1 gong1 li3"),
    ("365个夜晚", "san1 bai3 liu4 shi2 wu3 ge4 ye4 wan3"),
    ("我说520", "wo3 shuo1 wu3 er4 ling2"),
    ("拨打110", "bo1 da3 yi1 yi1 ling2"),
    ("2/3的路", "san1 fen1 zhi1 er4 de5 lu4"),
    ("½的月亮", "er4 fen1 zhi1 yi1 de5 yue4 liang5"),
    ("-5度的夜", "ling2 xia4 wu3 du4 de5 ye4"),
    ("-3分", "fu4 san1 fen1"),
    ("9:15的车", "jiu3 dian3 shi2 wu3 de5 che1"),
    ("7:05起床", "qi1 dian3 ling2 wu3 fen1 qi3 chuang2"),
    ("2:00睡", "liang3 dian3 shui4"),
    ("12：00", "shi2 er4 dian3"),
    ("¥250", "er4 bai3 wu3 shi2 yuan2"),
    ("$2", "liang3 mei3 yuan2"),
    ("2座山", "liang3 zuo4 shan1"),
    ("2封信", "liang3 feng1 xin4"),
    ("2月", "er4 yue4"),
    ("第2次", "di4 er4 ci4"),
    ("1次", "yi2 ci4"),
    ("20km外", "er4 shi2 gong1 li3 wai4"),
    ("3kg", "san1 gong1 jin1"),
    ("1朵花", "yi4 duo3 hua1"),
    ("1年", "yi4 nian2"),
    ("第1次", "di4 yi1 ci4"),
    ("30%的我", "bai3 fen1 zhi1 san1 shi2 de5 wo3"),
    ("18℃", "shi2 ba1 she4 shi4 du4"),
    ("1,250,000人", "yi4 bai3 er4 shi2 wu3 wan4 ren2"),
    ("7~8天", "qi1 dao4 ba1 tian1"),
    ("3.14", "san1 dian3 yi1 si4"),
    ("1+2=3", "yi1 jia1 er4 deng2 yu2 san1|yi1 jia1 er4 deng3 yu2 san1"),
    ("80后", "ba1 ling2 hou4"),
    ("70年代", "qi1 shi2 nian2 dai4"),
)

ENGLISH = (
    ("2,500,000 stars", "t uw m ih l y ax n f ay v hh ah n d r ax d th aw z ax n d s t aa r z"),
    ("$8", "ey t d aa l er z"),
    ("$1", "w ah n d aa l er"),
    ("$20 bill", "t w eh n t iy d aa l er b ih l"),
    ("9:00", "n ay n ax k l aa k"),
    ("7:45", "s eh v ax n f ao r t iy f ay v"),
    ("6:08", "s ih k s ow ey t"),
    ("8 am", "ey t ey eh m"),
    ("No. 7", "n ah m b er s eh v ax n"),
    ("#3", "n ah m b er th r iy"),
    ("Dr. Love", "d aa k t er l ah v"),
    ("Mr. Blue", "m ih s t er b l uw"),
    ("St. Mary", "s ey n t m eh r iy"),
    ("42nd St. tonight", "f ao r t iy s eh k ax n d s t r iy t t ax n ay t"),
    ("the U.S.A.", "dh ax y uw eh s ey"),
    ("1/4", "w ah n k w ao r t er"),
    ("2/3", "t uw th er d z"),
    ("24/7", "t w eh n t iy f ao r s eh v ax n"),
    ("-10 degrees", "m ay n ax s t eh n d ih g r iy z"),
    ("30°C", "th er d iy d ih g r iy z"),
    ("90mph", "n ay n t iy m ay l z ae n aw er"),
    ("2nite", "t uw n ay t"),
    ("b4 2day", "b ih f ao r t ax d ey"),
    ("911", "n ay n w ah n w ah n"),
    ("the '70s", "dh ax s eh v ax n t iy z"),
)


@table(("written", "said"), CHINESE)
def test_numbers_are_said_in_chinese(written: str, said: str) -> None:
    reading = read_line(written, chinese=True)
    assert " ".join(f"{syllable.reading}{syllable.sung_tone}" for syllable in reading.syllables) in said.split("|")
    assert "".join(syllable.text for syllable in reading.syllables) in written
    assert reading.unread == 0


@table(("written", "said"), ENGLISH)
def test_numbers_and_abbreviations_are_said_in_english(written: str, said: str) -> None:
    assert " ".join(syllable.reading for syllable in read_line(written, chinese=False).syllables) == said


@table("chinese", [True, False])
@table("hostile", ["9" * 3000, "1/" * 2000, "-" * 3000, "$" * 3000, "1:" * 2000, "(" * 3000, "1,000" * 900])
def test_long_rows_of_figures_and_signs_are_read(hostile: str, chinese: bool) -> None:
    assert read_line(hostile, chinese=chinese).text == hostile


LONG = ("9" * 5000, "1" + "0" * 4999, "0" * 5000, "９" * 5000, "٩" * 5000)
"""Numbers with more digits than Python converts to an integer."""


@table("written", ["{}", "-{}", "${}", "$1.{}", "¥{}", "{}%", "#{}", "1.{}", "{}.{}", "{}km", "{}°C"])
def test_numbers_of_any_length_are_said_in_english(written: str) -> None:
    said = [in_english(written.format(digits, digits)) for digits in LONG]
    assert [len(words) >= 1 for words in said] == [True] * len(LONG)
    assert said[0][-2 if written in ("{}%", "{}km", "{}°C", "${}", "¥{}") else -1] == "nine"


@table("written", ["{}", "-{}", "${}", "$1.{}", "{}%", "{}‰", "1.{}", "{}.{}", "{}-{}", "{}℃"])
def test_numbers_of_any_length_are_said_in_chinese(written: str) -> None:
    for digits in LONG:
        spoken = in_chinese(written.format(digits, digits), "第", "年")
        assert ("jiu3" if digits[0] in "9９٩" else "ling2") in spoken


def test_a_line_is_read_to_the_syllable_that_is_too_many() -> None:
    assert len(read_line("la " * 100, chinese=False, most=100).syllables) == 100
    for text in ("la " * 101, "9" * 101, "9% " * 60, "x" * 3 + " 1,000 " * 60):
        with pytest.raises(TooManySyllables):
            read_line(text, chinese=False, most=100)
