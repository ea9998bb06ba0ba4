"""Tests of finding tempi and keys in prompts."""

from random import Random

import pytest

from model.studio.prompt.parsing import ParsedPrompt, parse_prompt
from model.studio.prompt.tempo import find_tempo
from model.studio.style import Track
from tests.support.table import table


def understood(prompt: str) -> ParsedPrompt:
    return parse_prompt(prompt, Random(3))


@table(
    ("prompt", "bpm"),
    [
        ("BPM: 84", 84),
        ("bpm=84", 84),
        ("84bpm", 84),
        ("84 B.P.M.", 84),
        ("92.5 bpm", 92.5),
        ("tempo 150", 150),
        ("Tempo: 66", 66),
        ("a tempo of about 66", 66),
        ("at 70 beats per minute", 70),
        ("100-110 BPM", 105),
        ("100 to 110 bpm", 105),
        ("♩ = 126", 126),
        ("quarter note = 126", 126),
        ("速度70", 70),
        ("速度：约130", 130),
        ("每分钟96拍", 96),
        ("每分鐘96下", 96),
        ("96拍", 96),
        ("96拍每分钟", 96),
        ("节奏 110，流行", 110),
        ("speed: 110", 110),
        ("速度一百零五", 105),
        ("每分钟一百二十拍", 120),
        ("九十五拍", 95),
        ("BPM：一百二", 120),
    ],
)
def test_a_tempo_is_understood_in_every_common_spelling(prompt: str, bpm: float) -> None:
    parsed = understood(prompt)
    assert (parsed.style.tempo_bpm, parsed.tempo_named) == (bpm, True)
    assert any("understood" in note for note in parsed.notes)


@table("prompt", ["4/4拍", "三拍子", "1990s pop", "fast tempo", "12 violins", "24拍子", "12/8 blues"])
def test_other_numbers_are_no_tempo(prompt: str) -> None:
    assert not understood(prompt).tempo_named


@pytest.mark.parametrize(
    ("prompt", "played"), [("240 bpm", 180), ("tempo 8", 50), ("速度1000", 180), ("pop, bpm: 20", 50)]
)
def test_a_tempo_beyond_the_range_is_told(prompt: str, played: float) -> None:
    parsed = understood(prompt)
    assert parsed.style.tempo_bpm == played
    told = [note for note in parsed.notes if "beyond 50 to 180" in note]
    assert len(told) == 1
    assert told[0].endswith(f"played at {played}")
    assert not any("bpm" in note for note in parsed.notes if "understood" in note)


def test_beats_per_minute_ask_for_no_drums() -> None:
    assert find_tempo("solo piano at 60 beats per minute") is not None
    assert Track.DRUMS not in dict(understood("solo piano at 60 beats per minute").style.instruments)


@table(
    ("prompt", "key"),
    [
        ("key: Dm", "D minor"),
        ("Key of G", "G major"),
        ("in the key of Eb major", "Eb major"),
        ("key = f# minor", "F# minor"),
        ("sad, C#m", "C# minor"),
        ("in Bm", "B minor"),
        ("in E minor", "E minor"),
        ("rock in A", "A major"),
        ("Fmaj", "F major"),
        ("G大调", "G major"),
        ("升C小调", "C# minor"),
        ("调性：降E大调", "Eb major"),
        ("调：Am", "A minor"),
        ("F调", "F major"),
        ("1=G", "G major"),
        ("1=bB", "Bb major"),
        ("d和声小调", "D minor"),
    ],
)
def test_a_key_is_understood_in_every_common_spelling(prompt: str, key: str) -> None:
    parsed = understood(prompt)
    assert parsed.key is not None
    assert parsed.key.name == key
    assert any(key in note for note in parsed.notes)
    assert not any("not understood" in note for note in parsed.notes)


@table("prompt", ["in a minor mood", "I Am a rock", "vitamin C", "plan B", "1 = 2", "low-key pop", "a major hit"])
def test_common_words_are_no_keys(prompt: str) -> None:
    assert understood(prompt).key is None
