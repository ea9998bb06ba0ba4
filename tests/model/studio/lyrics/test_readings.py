"""Tests of the conversion of lines of lyrics to sung syllables."""

from hypothesis import given
from hypothesis import strategies as st

from model.studio.lyrics.readings import read_line
from tests.support.table import table


def spoken(text: str, *, chinese: bool = True) -> str:
    syllables = read_line(text, chinese=chinese).syllables
    return " ".join(f"{s.reading}{s.sung_tone or ''}" for s in syllables)


def lexical(text: str) -> str:
    return " ".join(f"{s.reading}{s.tone or ''}" for s in read_line(text, chinese=True).syllables)


@table(
    ("text", "reading"),
    [
        ("从头重来", "cong2 tou2 chong2 lai2"),
        ("轻轻地走", "qing1 qing1 de5 zou3"),
        ("大地", "da4 di4"),
        ("觉得", "jue2 de5"),
        ("睡觉", "shui4 jiao4"),
        ("你好", "ni2 hao3"),
        ("一切都会好", "yi2 qie4 dou1 hui4 hao3"),
        ("大都会", "da4 du1 hui4"),
        ("我不会", "wo3 bu2 hui4"),
        ("一切", "yi2 qie4"),
        ("一边", "yi4 bian1"),
        ("第一天", "di4 yi1 tian1"),
        ("花儿", "hua1 er2"),
        ("绿色", "lv4 se4"),
    ],
)
def test_mandarin_is_read_as_it_is_spoken(text: str, reading: str) -> None:
    assert spoken(text) == reading


@table(
    ("text", "reading"),
    [
        ("看著你", "kan4 zhe5 ni3"),
        ("著名", "zhu4 ming2"),
        ("音樂", "yin1 yue4"),
        ("乾淨", "gan1 jing4"),
        ("長大", "zhang3 da4"),
    ],
)
def test_traditional_characters_are_read_too(text: str, reading: str) -> None:
    assert spoken(text) == reading


@table(
    ("text", "reading"),
    [
        ("520", "wu3 er4 ling2"),
        ("2024年", "er4 ling2 er4 si4 nian2"),
        ("3.5", "san1 dian3 wu3"),
        ("100%", "bai3 fen1 zhi1 bai3"),
        ("99朵", "jiu3 shi2 jiu3 duo3"),
        ("10000年", "yi2 wan4 nian2"),
        ("2个人", "liang3 ge4 ren2"),
        ("第2天", "di4 er4 tian1"),
        ("１２点", "shi2 er4 dian3"),
        ("1,005步", "yi4 qian1 ling2 wu3 bu4"),
        ("我&你", "wo3 he2 ni3"),
    ],
)
def test_numbers_are_said_in_chinese_in_a_chinese_line(text: str, reading: str) -> None:
    assert spoken(text) == reading


@table(
    ("text", "tones"),
    [
        ("你好", "ni3 hao3"),
        ("一切都不会好", "yi1 qie4 dou1 bu4 hui4 hao3"),
        ("1,105步", "yi1 qian1 yi1 bai3 ling2 wu3 bu4"),
        ("10000年", "yi1 wan4 nian2"),
        ("110000000.5度", "yi1 yi4 yi1 qian1 wan4 dian3 wu3 du4"),
        ("100.5度", "yi1 bai3 dian3 wu3 du4"),
        ("11%", "bai3 fen1 zhi1 shi2 yi1"),
        ("2个人", "liang3 ge4 ren2"),
        ("520", "wu3 er4 ling2"),
        ("我&你", "wo3 he2 ni3"),
        ("我的A股 love", "wo3 de5 ey gu3 l ah v"),
    ],
)
def test_the_lexical_tone_is_that_before_sandhi(text: str, tones: str) -> None:
    assert lexical(text) == tones


@given(st.text(st.sampled_from("一不你好我想走了的孩子 123,.%&aé"), max_size=20), st.booleans())
def test_only_chinese_has_tones_and_it_has_both(text: str, chinese: bool) -> None:
    for syllable in read_line(text, chinese=chinese).syllables:
        assert (syllable.tone > 0) == (syllable.sung_tone > 0)
        assert (syllable.tone == 5) == (syllable.sung_tone == 5)


@table(
    ("text", "words"),
    [
        ("20", "twenty"),
        ("1999", "nineteen ninety nine"),
        ("2005", "two thousand five"),
        ("1st", "first"),
        ("the 90s", "the nineties"),
        ("100%", "one hundred percent"),
        ("2.5", "two point five"),
        ("rock & roll", "rock and roll"),
    ],
)
def test_numbers_are_said_in_english_in_an_english_line(text: str, words: str) -> None:
    assert spoken(text, chinese=False) == spoken(words, chinese=False)


def test_a_number_longer_said_than_written_ends_in_syllables_without_text() -> None:
    assert [s.text for s in read_line("23天", chinese=True).syllables] == ["2", "3", "", "天"]
    assert [s.text for s in read_line("100天", chinese=True).syllables] == ["10", "0", "天"]


def test_latin_words_in_a_chinese_line_keep_their_word_starts() -> None:
    syllables = read_line("我的 baby", chinese=True).syllables
    assert [(s.text, s.starts_word) for s in syllables] == [
        ("我", False),
        ("的", False),
        ("ba", True),
        ("by", False),
    ]


def test_punctuation_is_silent_and_strange_letters_are_reported() -> None:
    reading = read_line("爱，你！（♥） да", chinese=True)
    assert len(reading.syllables) == 2
    assert reading.skipped == {"♥", "д", "а"}


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=40))
def test_every_common_character_is_one_syllable_with_a_tone(text: str) -> None:
    syllables = read_line(text, chinese=True).syllables
    assert [s.text for s in syllables] == list(text)
    assert all(1 <= s.tone <= 5 and 1 <= s.sung_tone <= 5 and s.reading.isalpha() for s in syllables)


@given(st.text(max_size=80), st.booleans())
def test_syllables_stand_in_the_text_in_order(text: str, chinese: bool) -> None:
    place = 0
    for syllable in read_line(text, chinese=chinese).syllables:
        assert syllable.reading
        place = text.index(syllable.text, place) + len(syllable.text)


@table(
    ("word", "syllables"),
    [
        ("beautiful", ["beau/b y uw", "ti/t ax", "ful/f ax l"]),
        ("KTV", ["K/k ey", "T/t iy", "V/v iy"]),
        ("naïve", ["naï/n ay", "ve/iy v"]),
        ("don’t", ["don’t/d ow n t"]),
        ("W", ["W/d ah", "/b ax l", "/y uw"]),
    ],
)
def test_english_is_read_as_phones_by_the_syllable(word: str, syllables: list[str]) -> None:
    assert [f"{s.text}/{s.reading}" for s in read_line(word, chinese=False).syllables] == syllables


def test_a_lone_letter_in_chinese_is_called_by_its_name() -> None:
    assert spoken("A股") == "ey gu3"
    assert spoken("a star", chinese=False) == "ax s t aa r"
