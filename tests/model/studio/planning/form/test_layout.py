"""Tests of the form of songs: the order and the lengths of their sections."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import SECTION_TAGS, SectionKind
from model.studio.lyrics.sections import LyricSection, parse_lyrics
from model.studio.planning.form.form import Block
from model.studio.planning.form.layout import comfortable_bars, fewest_bars, lay_out
from tests.support.table import table

SPRING = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃"
LINES = st.lists(st.integers(1, 40).map(lambda count: "啦" * count), max_size=6)
LYRICS = st.lists(st.tuples(st.sampled_from(SECTION_TAGS), LINES), max_size=6)


def sections_of(lyrics: str) -> tuple[LyricSection, ...]:
    return parse_lyrics(lyrics).sections


def form(lyrics: str, bars: int, bar_seconds: float = 2.2) -> str:
    return " ".join(f"{block.kind}:{block.bars}" for block in lay_out(sections_of(lyrics), bars, bar_seconds))


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        (4, "verse:2 chorus:2"),
        (8, "intro:2 verse:2 chorus:2 outro:2"),
        (16, "intro:4 verse:4 chorus:4 outro:4"),
        (26, "intro:4 verse:4 chorus:4 inst:2 verse:4 chorus:4 outro:4"),
        (28, "intro:4 verse:4 chorus:4 inst:4 verse:4 chorus:4 outro:4"),
    ],
)
def test_a_song_grows_as_songs_do(bars: int, expected: str) -> None:
    assert form(SPRING, bars) == expected


@table(
    "lyrics, bars, expected",
    [
        (SPRING, 9, "intro:1 verse:2 chorus:2 chorus:2 outro:2"),
        ("[verse]\n春天醒来花就开\n脚步轻轻不怕失败", 14, "intro:1 verse:4 inst:4 verse:4 outro:1"),
    ],
)
def test_words_come_again_where_intro_and_outro_would_be_half_of_a_song(lyrics: str, bars: int, expected: str) -> None:
    assert form(lyrics, bars) == expected


def test_few_words_are_sung_four_times_at_most_with_long_interludes_between_them() -> None:
    parts = form("[verse]\n" + "春天醒来花就开\n" * 4, 104).split()
    assert parts.count("verse:8") == 4
    assert {"inst:8", "bridge:8"} <= set(parts)
    assert parts[-2:] == ["verse:8", "outro:4"]


def test_verse_and_chorus_have_lines_of_equal_length() -> None:
    blocks = lay_out(sections_of("[verse]\n春天醒来花就开了\n春天醒来花就开在这山上\n" + SPRING), 26, 2.2)
    assert len({round(sum(b.line_bars) / len(b.lines)) for b in blocks if b.lines}) == 1


def test_a_slow_song_needs_half_the_bars() -> None:
    assert form(SPRING, 14, 4.0) == "intro:2 verse:2 chorus:2 inst:2 verse:2 chorus:2 outro:2"


def test_an_instrumental_has_verse_chorus_and_bridge() -> None:
    assert form("", 16) == "intro:4 verse:4 chorus:4 outro:4"
    assert {"verse", "chorus", "bridge", "inst"} <= {part.split(":")[0] for part in form("", 108).split()}


def test_an_empty_section_is_played() -> None:
    blocks = lay_out(sections_of("[intro]\n[chorus]\n我要飞向那片海\n[bridge]\n[outro]"), 24, 2.2)
    assert [block.kind for block in blocks][:3] == [SectionKind.INTRO, SectionKind.CHORUS, SectionKind.BRIDGE]
    assert not blocks[2].lines


def test_a_long_section_is_cut_into_blocks() -> None:
    lyrics = "[verse]\n" + "春天醒来花就开\n" * 8
    verse = [block for block in lay_out(sections_of(lyrics), 24, 2.2) if block.kind is SectionKind.VERSE]
    assert [(block.bars, block.piece) for block in verse] == [(8, 0), (8, 1)]


def test_comfort_lasts_at_least_forty_seconds() -> None:
    assert comfortable_bars(sections_of(SPRING), 2.2) == 28


def test_a_waltz_begins_and_plays_between_its_words_as_briefly_as_other_songs() -> None:
    for bars in (15, 20, 30, 40, 80):
        blocks = lay_out(sections_of(SPRING), bars, 3.0, doubled=True)
        played = [block.bars for block in blocks if not block.lines and block.kind is not SectionKind.OUTRO]
        assert played[0] == 2
        assert max(played) <= 4
        assert sum(block.bars for block in blocks if not block.lines) <= 0.5 * bars


def singing(blocks: tuple[Block, ...]) -> list[str]:
    return [line.text for block in blocks for line in block.lines]


@settings(max_examples=100, deadline=None)
@given(LYRICS, st.integers(0, 80), st.floats(240 / 180, 240 / 50), st.booleans())
def test_any_length_from_the_fewest_bars_is_met_exactly(
    written: list[tuple[SectionKind, list[str]]], more: int, bar_seconds: float, doubled: bool
) -> None:
    sections = sections_of("\n".join(f"[{kind}]\n" + "\n".join(lines) for kind, lines in written))
    bars = max(2, fewest_bars(sections, bar_seconds) + more)
    blocks = lay_out(sections, bars, bar_seconds, doubled=doubled)
    assert sum(block.bars for block in blocks) == bars
    assert blocks[0].bars <= 4
    assert all(1 <= block.bars <= 16 and sum(block.line_bars) <= block.bars for block in blocks)
    heard = iter(singing(blocks))
    assert all(line.text in heard for section in sections for line in section.lines)
