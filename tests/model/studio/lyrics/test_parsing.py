"""Tests of parsing lyrics: random text, section tags, readings of characters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import InvalidParams, SectionKind
from model.studio.lyrics.sections import parse_lyrics


def refused_fields(text: str) -> set[str]:
    try:
        parse_lyrics(text)
    except InvalidParams as error:
        return {violation.field for violation in error.violations}
    return set()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_parses_or_is_refused_on_its_field(text: str) -> None:
    assert refused_fields(text) <= {"lyrics"}


def test_every_character_is_a_syllable_with_its_reading() -> None:
    (line,) = parse_lyrics("[verse]\n春天醒来").sections[0].lines
    assert [(s.text, s.reading) for s in line.syllables] == [
        ("春", "chun"),
        ("天", "tian"),
        ("醒", "xing"),
        ("来", "lai"),
    ]


@pytest.mark.parametrize(
    ("text", "character", "reading"),
    [
        ("银行", "行", "hang"),
        ("行走", "行", "xing"),
        ("长大", "长", "zhang"),
        ("音乐", "乐", "yue"),
        ("快乐", "乐", "le"),
    ],
)
def test_characters_are_read_by_their_context(text: str, character: str, reading: str) -> None:
    (line,) = parse_lyrics(text).sections[0].lines
    assert {s.text: s.reading for s in line.syllables}[character] == reading


@pytest.mark.parametrize("tag", ["[Verse]", "[VERSE 2]", "[verse2]", "[主歌]"])
def test_tags_are_known_in_many_forms(tag: str) -> None:
    assert parse_lyrics(f"{tag}\n春天").sections[0].kind is SectionKind.VERSE


def test_an_unknown_tag_costs_nothing_and_is_noted() -> None:
    lyrics = parse_lyrics("[verse]\n春天\n[rain on the roof]\n花开")
    assert [line.text for line in lyrics.sections[0].lines] == ["春天", "花开"]
    assert lyrics.notes == ("lyrics: not words, so not sung: rain on the roof",)


def test_a_poem_is_read_as_it_is_taught() -> None:
    lines = parse_lyrics("春眠不觉晓\n处处闻啼鸟").sections[0].lines
    assert [" ".join(f"{s.reading}{s.sung_tone}" for s in line.syllables) for line in lines] == [
        "chun1 mian2 bu4 jue2 xiao3",
        "chu4 chu4 wen2 ti2 niao3",
    ]
