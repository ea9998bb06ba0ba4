import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.engine import EngineUnavailable
from model.studio.voice import english
from model.studio.voice.english import PHONE_CODES, VOWELS, pronounce, syllables
from model.training.text.build_english import pack
from tests.support.table import table


@table(
    ("word", "spoken"),
    [
        ("love", ["l ah v"]),
        ("street", ["s t r iy t"]),
        ("baby", ["b ey", "b iy"]),
        ("tonight", ["t ax", "n ay t"]),
        ("extra", ["eh k", "s t r ax"]),
        ("i'm", ["ay m"]),
        ("Taylor's", ["t ey", "l er z"]),
        ("shinin'", ["sh ay", "n ih n"]),
    ],
)
def test_words_are_read_as_the_dictionary_says(word: str, spoken: list[str]) -> None:
    assert [" ".join(phones) for phones in pronounce(word)] == spoken


def test_every_word_of_the_dictionary_is_found_and_no_other() -> None:
    packed = lzma.decompress(english.DICTIONARY.read_bytes()).decode("ascii").strip().split("\n")
    entries = dict(line.split(":") for line in [*packed[::50], packed[-1]])
    codes = {word: "".join(PHONE_CODES[phone] for phone in english.looked_up(word) or ()) for word in entries}
    assert codes == entries
    strangers = ("", "'", "a:", "zzzzzz", "é", "\n", *(f"{word}''" for word in list(entries)[::100]))
    assert [word for word in strangers if english.looked_up(word)] == []


def test_what_the_dictionary_lacks_is_spelt_in_capitals_and_read_by_rule_else() -> None:
    assert [" ".join(s) for s in pronounce("KTV")] == ["k ey", "t iy", "v iy"]
    assert [" ".join(s) for s in pronounce("blorte")] == ["b l ao r t"]
    assert [" ".join(s) for s in pronounce("zate")] == ["z ey t"]


@given(st.text("abcdefghijklmnopqrstuvwxyz'ABCXYZ", min_size=1, max_size=15))
def test_every_spelling_gives_syllables_with_one_vowel_each(word: str) -> None:
    for phones in pronounce(word):
        assert set(phones) <= set(PHONE_CODES)
        assert sum(phone in VOWELS for phone in phones) == 1


def test_no_consonant_is_lost_between_syllables() -> None:
    phones = ["s", "t", "r", "eh", "ng", "k", "th", "s", "t", "r", "eh", "ng", "k", "th"]
    cut = syllables(phones)
    assert [phone for syllable in cut for phone in syllable] == phones
    assert cut[1][:3] == ("s", "t", "r")


def test_a_missing_dictionary_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(english, "DICTIONARY", tmp_path / "english.xz")
    english._dictionary.cache_clear()
    with pytest.raises(EngineUnavailable, match=r"english.xz.*restore"):
        english.load()
    english._dictionary.cache_clear()


def test_packing_keeps_the_first_variant_without_stress() -> None:
    packed = pack(["abandon AH0 B AE1 N D AH0 N", "abandon(2) AH0 B", "'em AH0 M", "live L IH1 V # a remark"])
    assert [line.split(b":")[0] for line in packed.split()] == [b"abandon", b"live"]
    assert packed.split()[1] == b"live:" + "".join(PHONE_CODES[p] for p in ("l", "ih", "v")).encode()
