"""Tests of those scripts of the page that need no browser, run by Node's test runner."""

from pathlib import Path
from random import Random
from typing import Any

from model.shared.lyrics.tags import section_kind
from model.studio.lyrics.sections import parse_lyrics
from model.studio.prompt.parsing import parse_prompt
from tests.page.node import evaluated, node

HERE = Path(__file__).parent


def _words() -> Any:
    """Return the exports of text/words, the module of the words that the page suggests for the form."""
    return evaluated("text/words", "page")


def test_the_scripts_do_what_they_promise() -> None:
    files = sorted(map(str, HERE.glob("*.test.js")))

    told = node("--test", *files)

    assert len(files) >= 7
    assert "pass 0" not in told


def test_every_suggestion_is_understood() -> None:
    found = _words()
    suggestions = [word for groups in found["WORDS"].values() for group in groups for word in group]
    suggestions += [example["prompt"] for example in found["EXAMPLE"].values()]

    for word in suggestions:
        notes = parse_prompt(word, Random(0)).notes
        assert not [note for note in notes if "not understood" in note or "no known word" in note], (word, notes)


def test_every_tag_is_one_and_every_example_is_sung() -> None:
    found = _words()

    assert all(map(section_kind, found["TAGS"]))
    assert all(parse_lyrics(example["lyrics"]).sung for example in found["EXAMPLE"].values())
