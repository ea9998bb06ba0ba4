"""Tests of the division of words in Latin letters into syllables."""

from hypothesis import given
from hypothesis import strategies as st

from model.studio.lyrics.latin import plain_letters, syllabify
from tests.support.table import table


@table(
    "syllables",
    [
        "love",
        "dreams",
        "breathe",
        "queen",
        "don't",
        "we're",
        "tongue",
        "called",
        "moon light",
        "lit tle",
        "home",
        "morn ing",
        "paint ed",
        "ri ver",
        "be long",
        "rhy thm",
        "want ed",
        "ro ses",
        "chil dren",
        "e ven",
        "lone ly",
        "some thing",
        "ques tion",
        "li on",
        "see ing",
        "spar kled",
        "would n't",
        "ca fé",
        "pi a no",
        "re mem ber",
        "beau ti ful",
        "lone li ness",
        "i ma gi na tion",
    ],
)
def test_english_words_fall_into_sung_syllables(syllables: str) -> None:
    assert len(syllabify(syllables.replace(" ", ""))) == len(syllables.split())


def test_consonants_open_the_syllable_after_them() -> None:
    assert syllabify("whisper") == ("whis", "per")
    assert syllabify("tonight") == ("to", "night")
    assert syllabify("little") == ("lit", "tle")


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=30))
def test_syllables_joined_are_the_word(word: str) -> None:
    syllables = syllabify(word)
    assert "".join(syllables) == word
    assert all(syllables)


@given(st.text(max_size=30))
def test_plain_letters_keep_their_places(text: str) -> None:
    assert len(plain_letters(text)) == len(text)
