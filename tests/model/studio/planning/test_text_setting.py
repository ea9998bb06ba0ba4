"""Tests of the number of bars that words get."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.song import LyricLine
from model.studio.lyrics.sections import parse_lyrics
from model.studio.planning.text_setting import MAX_PHRASE_SYLLABLES, Ease, line_bars, phrase_lengths


def line(text: str) -> LyricLine:
    return parse_lyrics(text).sections[0].lines[0]


def bars(text: str, tempo_bpm: float, ease: Ease = Ease.EASY) -> int:
    return line_bars([line(text)], 240.0 / tempo_bpm, ease)[0]


def test_a_line_usually_gets_two_bars() -> None:
    assert bars("春天醒来花就开", 110) == 2


def test_a_short_line_of_a_slow_song_gets_one_and_a_fast_one_four() -> None:
    assert bars("春天花开", 60) == 1
    assert bars("春天醒来花就开春天醒来花就开", 170) == 4


@pytest.mark.parametrize("tempo_bpm", [54, 60, 66, 72, 90, 104, 120])
def test_a_line_of_eight_syllables_neither_drags_nor_hurries(tempo_bpm: float) -> None:
    assert 3.2 <= bars("心随阳光一起澎湃", tempo_bpm) * 240.0 / tempo_bpm <= 5.5


def test_a_line_of_a_slow_song_that_is_not_short_keeps_its_two_bars() -> None:
    assert bars("走在无人的街头听雨声", 60) == 2


def test_a_long_line_is_cut_at_its_punctuation() -> None:
    assert phrase_lengths(line("春天醒来花就开呀，脚步轻轻不怕失败不怕失败呀")) == (8, 13)


def test_a_long_line_without_any_gap_is_halved() -> None:
    assert phrase_lengths(line("啦" * 20)) == (10, 10)


@given(st.text("春天a e，", min_size=1, max_size=60).filter(lambda text: "春" in text))
def test_phrases_lose_no_syllable(text: str) -> None:
    counts = phrase_lengths(line(text))
    assert sum(counts) == len(line(text).syllables)
    assert all(1 <= count <= MAX_PHRASE_SYLLABLES for count in counts)


@pytest.mark.parametrize("ease", Ease)
@given(count=st.integers(1, 32), tempo_bpm=st.floats(50, 180))
def test_nobody_sings_more_than_seven_syllables_a_second(ease: Ease, count: int, tempo_bpm: float) -> None:
    seconds = (bars("啦" * count, tempo_bpm, ease) - 0.25) * 240.0 / tempo_bpm
    assert count / seconds <= 7.0
