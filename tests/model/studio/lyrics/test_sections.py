"""Tests of the lyric parser, which divides lyrics into sections and lines."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.song import InvalidParams, SectionKind, Voice
from model.studio.lyrics import readings
from model.studio.lyrics.sections import (
    MAX_CHARACTERS,
    MAX_CHINESE_CHARACTERS,
    MAX_LINE_SYLLABLES,
    MAX_LINES,
    MAX_SYLLABLES,
    parse_lyrics,
)


def test_text_before_any_tag_is_a_verse() -> None:
    (section,) = parse_lyrics("hello world").sections
    assert section.kind is SectionKind.VERSE


def test_words_may_follow_their_tag_and_tags_each_other() -> None:
    sections = parse_lyrics("【主歌】 春天\n[inst][chorus]大海").sections
    assert [section.kind for section in sections] == [SectionKind.VERSE, SectionKind.INST, SectionKind.CHORUS]
    assert [len(section.lines) for section in sections] == [1, 0, 1]


def test_who_is_marked_sings_and_the_first_one_named_gives_the_song_its_voice() -> None:
    lyrics = parse_lyrics("男：春天\n花开\n女：大海\n合：走吧\nB：你好")
    voices = [line.voices for line in lyrics.sections[0].lines]
    assert lyrics.voice is Voice.MALE
    assert voices == [(Voice.MALE,), (Voice.MALE,), (Voice.FEMALE,), (Voice.MALE, Voice.FEMALE), (Voice.FEMALE,)]
    assert "lyrics: sung by the singers that are marked: male, female, all, second" in lyrics.notes


def test_a_wished_voice_is_the_songs_and_letters_count_from_it() -> None:
    lyrics = parse_lyrics("A：春天\nB：花开", Voice.MALE)
    assert [line.voices for line in lyrics.sections[0].lines] == [(Voice.MALE,), (Voice.FEMALE,)]
    assert lyrics.voice is Voice.MALE


def test_without_marks_nobody_is_named() -> None:
    lyrics = parse_lyrics("春天")
    assert (lyrics.voice, lyrics.sections[0].lines[0].voices) == (None, ())


def test_a_line_stays_as_written() -> None:
    (line,) = parse_lyrics("  春天醒来，花就开  oh yeah! ").sections[0].lines
    assert line.text == "春天醒来，花就开  oh yeah!"


def test_what_cannot_be_sung_is_noted() -> None:
    lyrics = parse_lyrics("爱♥\n!!!")
    assert lyrics.notes == ("lyrics: nothing to sing: line 2", "lyrics: skipped what cannot be sung: ♥")


def test_english_is_sung_without_a_note() -> None:
    lyrics = parse_lyrics("春天醒来\nhold on to me\n我说 hello\nwo zai deng ni\n唱 K 歌")
    assert lyrics.notes == ()
    assert [line.syllables[-1].reading for line in lyrics.sections[0].lines][:3] == ["lai", "m iy", "l ow"]


def test_a_long_line_is_cut_and_noted() -> None:
    lyrics = parse_lyrics("啦" * 70)
    assert [len(line.syllables) for line in lyrics.sections[0].lines] == [23, 23, 24]
    assert lyrics.notes == ("lyrics: lines of more than 32 syllables are cut: line 1",)


def test_lyrics_in_an_unread_script_are_refused() -> None:
    with pytest.raises(InvalidParams, match="letters cannot be sung"):
        parse_lyrics("привет")


@pytest.mark.parametrize(
    "text",
    ["la" * MAX_CHARACTERS, "啦" * (MAX_CHINESE_CHARACTERS + 1), "la\n" * (MAX_LINES + 1), "啦" * 350_000],
    ids=["characters", "hanzi", "lines", "a megabyte"],
)
def test_more_than_can_be_sung_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams, match="at most"):
        parse_lyrics(text)


@given(st.text("春天花a be'，。 !1\n", max_size=400).map("花{}".format))
def test_lines_are_short_and_lose_no_syllable(text: str) -> None:
    lines = [line for section in parse_lyrics(text).sections for line in section.lines]
    assert all(1 <= len(line.syllables) <= MAX_LINE_SYLLABLES for line in lines)
    hanzi = [s.text for line in lines for s in line.syllables if s.text and s.text in "春天花"]
    assert hanzi == re.findall("[春天花]", text)


def test_a_line_is_sung_without_what_cannot_be_read_or_left_out() -> None:
    lyrics = parse_lyrics("你好世界 мир\nпривет 你\n再见我的朋友")
    assert [line.text for section in lyrics.sections for line in section.lines] == ["你好世界 мир", "再见我的朋友"]
    assert "lyrics: sung without what cannot be read: line 1" in lyrics.notes
    assert "lyrics: left out, since less than half of it can be read: line 2" in lyrics.notes


def test_a_reading_that_is_given_is_not_shown() -> None:
    lyrics = parse_lyrics("[verse]\n我们的行(háng)列\n人行[hang2]道")
    (first, second) = lyrics.sections[0].lines
    assert (first.text, second.text) == ("我们的行列", "人行道")
    assert [line.syllables[-2].reading for line in (first, second)] == ["hang", "hang"]


def test_a_reading_that_is_no_pinyin_is_told_with_its_line() -> None:
    lyrics = parse_lyrics("我们的行(hanng2)列")
    assert "lyrics: (hanng2) is not a pinyin syllable; write it like háng or hang2: line 1" in lyrics.notes


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["9" * 99] * 100),
        "1e9" * 3333,
        "9%" * 5000,
        "\n".join("la " * 10 + str(number) for number in range(300)),
        "春天来了\n" * 100 + "9" * 2000,
    ],
)
def test_reading_stops_where_no_song_has_time_for_more(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def pronounced(word: str, *around: str) -> tuple[tuple[str, ...], ...]:
        said.append(word)
        return (("l", "aa"),)

    monkeypatch.setattr(readings, "pronounce", pronounced)
    with pytest.raises(InvalidParams, match=f"have more than {MAX_SYLLABLES} syllables.*leave some of them out"):
        parse_lyrics(text, language="en")
    assert len(said) <= 2 * MAX_SYLLABLES


def test_lines_that_come_again_count_each_time() -> None:
    parse_lyrics("la la la la la la la la\n" * 200)
    with pytest.raises(InvalidParams, match=f"more than {MAX_SYLLABLES} syllables"):
        parse_lyrics("la la la la la la la la\n" * 230)
