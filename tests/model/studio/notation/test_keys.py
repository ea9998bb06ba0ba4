"""Tests of formatting and parsing the names of keys."""

import pytest

from model.song import InvalidParams
from model.studio.notation.keys import Key, find_key, parse_key
from model.studio.style import Mode
from tests.support.table import table


@table(
    ("text", "name"),
    [
        ("C", "C major"),
        ("Am", "A minor"),
        ("F# minor", "F# minor"),
        ("B♭ minor", "Bb minor"),
        ("E flat major", "Eb major"),
        ("Cb", "B major"),
        ("降E大调", "Eb major"),
        ("升f小調", "F# minor"),
    ],
)
def test_keys_are_read_in_both_languages(text: str, name: str) -> None:
    assert parse_key(text).name == name


@pytest.mark.parametrize("text", ["", "H", "C majestic", "降Eb大调"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        parse_key(text)
    assert caught.value.violations[0].field == "key"


@table("mode", Mode)
@table("transpose", range(-5, 7))
def test_every_name_is_read_back(mode: Mode, transpose: int) -> None:
    assert parse_key(Key(mode, transpose).name) == Key(mode, transpose)


def test_a_key_is_found_in_a_prompt_but_not_in_common_words() -> None:
    assert find_key("ballad in E flat major") == Key(Mode.MAJOR, 3)
    assert find_key("in a minor mood") is None
    assert find_key("a minor song") is None


@table(
    ("prompt", "name"),
    [
        ("slow, f sharp minor, piano", "F# minor"),
        ("b flat major", "Bb major"),
        ("c minor ballad", "C minor"),
        ("g-moll", "G minor"),
        ("Walzer in D-dur", "D major"),
    ],
)
def test_a_key_is_found_in_other_spellings(prompt: str, name: str) -> None:
    key = find_key(prompt)
    assert key is not None
    assert key.name == name
