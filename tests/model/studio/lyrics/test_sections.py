"""Facts about the lyric parser."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.song import InvalidParams, SectionKind
from model.studio.lyrics.sections import (
    MAX_CHARACTERS,
    MAX_CHINESE_CHARACTERS,
    MAX_LINE_SYLLABLES,
    MAX_LINES,
    parse_lyrics,
    section_kind,
)


@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        (SectionKind.INTRO, "Intro|前奏|prelude"),
        (SectionKind.VERSE, "verse|Verse 2|verse2|VERSE #3|主歌|主歌一|主歌 2|主歌A|verse: soft"),
        (SectionKind.PRE_CHORUS, "pre-chorus|Pre Chorus|prechorus 1|導歌|预副歌"),
        (SectionKind.CHORUS, "chorus|Chorus II|hook|refrain|副歌"),
        (SectionKind.BRIDGE, "bridge|橋段|桥段|Middle 8"),
        (SectionKind.INST, "inst|instrumental|Interlude|guitar solo|间奏|間奏"),
        (SectionKind.OUTRO, "outro|ending|尾奏|尾聲"),
    ],
)
def test_tags_are_known_by_many_names(kind: SectionKind, tags: str) -> None:
    assert {section_kind(tag) for tag in tags.split("|")} == {kind}


def test_text_before_any_tag_is_a_verse() -> None:
    (section,) = parse_lyrics("hello world").sections
    assert section.kind is SectionKind.VERSE


def test_words_may_follow_their_tag_and_tags_each_other() -> None:
    sections = parse_lyrics("【主歌】 春天\n[inst][chorus]大海").sections
    assert [section.kind for section in sections] == [SectionKind.VERSE, SectionKind.INST, SectionKind.CHORUS]
    assert [len(section.lines) for section in sections] == [1, 0, 1]


def test_every_unknown_tag_is_a_violation_of_its_own() -> None:
    with pytest.raises(InvalidParams) as caught:
        parse_lyrics("[verse]\nhi\n[xyz]\n[foo]")
    assert [v.description.split(";")[0] for v in caught.value.violations] == [
        "line 3: unknown tag [xyz]",
        "line 4: unknown tag [foo]",
    ]


def test_a_line_stays_as_written() -> None:
    (line,) = parse_lyrics("  春天醒来，花就开  oh yeah! ").sections[0].lines
    assert line.text == "春天醒来，花就开  oh yeah!"


def test_what_cannot_be_sung_is_noted() -> None:
    lyrics = parse_lyrics("爱♥\n!!!")
    assert lyrics.notes == ("lyrics line 2: nothing to sing", "lyrics: skipped what cannot be sung: ♥")


def test_lyrics_in_an_unread_script_are_refused() -> None:
    with pytest.raises(InvalidParams, match="nothing that can be sung"):
        parse_lyrics("привет")


@pytest.mark.parametrize(
    "text",
    ["la" * MAX_CHARACTERS, "啦" * (MAX_CHINESE_CHARACTERS + 1), "la\n" * (MAX_LINES + 1), "啦" * 350_000],
    ids=["characters", "hanzi", "lines", "a megabyte"],
)
def test_more_than_can_be_sung_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams, match="at most"):
        parse_lyrics(text)


@given(st.text("春天花a be'，。 !1\n", max_size=400))
def test_lines_are_short_and_lose_no_syllable(text: str) -> None:
    lines = [line for section in parse_lyrics(text).sections for line in section.lines]
    assert all(1 <= len(line.syllables) <= MAX_LINE_SYLLABLES for line in lines)
    hanzi = [s.text for line in lines for s in line.syllables if s.text and s.text in "春天花"]
    assert hanzi == re.findall("[春天花]", text)
