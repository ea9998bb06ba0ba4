import json
import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model.ace_step.lyrics import numbers
from model.ace_step.lyrics.cleaning import clean
from model.ace_step.lyrics.languages import IDS, LANGUAGES, detect, language_of
from model.ace_step.lyrics.tags import TAGS, normalised
from model.ace_step.lyrics.tokenizer import LyricTokenizer
from model.engine import EngineUnavailable
from model.song import InvalidParams
from tests.support.ace_step import write_vocabulary
from tests.support.table import table

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "lyric_tokens.json").read_text(encoding="utf-8"))
VOCABULARY_VARIABLE = "MELISMA_TEST_ACE_STEP_LYRIC_VOCAB"
SPACE = 2

DETECTED_BETTER = {"That will be $20 sir": "en", "Kocham cię nad życie": "pl", "नमस्ते दुनिया": "hi"}
"""Lines with their right languages; the original detects French, Swedish and Marathi, and reads the lines as French,
English and English.
"""

ONE_LINE = [row for row in RECORDED["lyrics"] if row["text"].strip() and "\n" not in row["text"]]
LANGUAGE_OF_ID = {number: language for language, number in IDS.items()}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> LyricTokenizer:
    return LyricTokenizer.open(write_vocabulary(tmp_path_factory.mktemp("lyrics") / "vocab.json"))


@table("row", RECORDED["encode"])
def test_lines_are_cleaned_as_by_the_original(row: dict[str, str]) -> None:
    assert clean(row["text"], row["lang"]) == row["clean"]


@pytest.mark.parametrize("row", ONE_LINE, ids=lambda row: str(row["text"]))
def test_lines_are_read_in_the_language_of_the_original(row: dict[str, list[int]], tokenizer: LyricTokenizer) -> None:
    text = str(row["text"])
    expected = DETECTED_BETTER.get(text, LANGUAGE_OF_ID[row["ids"][1]])
    assert tokenizer.encode(text)[:2] == [261, IDS[expected]]


def test_words_are_those_of_the_original_wherever_it_is_seen_what_it_read() -> None:
    """Check that each word always gets the same token ids from the original tokenizer, and that two words never get the
    same ids.

    The original vocabulary is not in the repository, so the test compares the cleaned words with recorded token ids.
    """
    seen: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for row in [*ONE_LINE, *RECORDED["encode"]]:
        ids = row["ids"][2:-1] if row in ONE_LINE else row["ids"][1:]
        language = row["lang"] if isinstance(row["lang"], str) else LANGUAGE_OF_ID[row["ids"][1]]
        if row["text"].startswith("["):
            continue
        words, recorded = clean(row["text"], language).split(" "), _split(ids)
        assert len(words) == len(recorded), row["text"]
        for word, number in zip(words, recorded, strict=True):
            seen[word].add(number)
    assert {word: ids for word, ids in seen.items() if len(ids) > 1} == {}
    assert len({next(iter(ids)) for ids in seen.values()}) == len(seen)


def _split(ids: list[int]) -> list[tuple[int, ...]]:
    words: list[list[int]] = [[]]
    for number in ids:
        if number == SPACE:
            words.append([])
        else:
            words[-1].append(number)
    return [tuple(word) for word in words]


def test_ids_are_those_of_the_original() -> None:
    if not (path := os.environ.get(VOCABULARY_VARIABLE)):
        pytest.skip(f"{VOCABULARY_VARIABLE} does not name ACE-Step's lyric vocabulary, which may not be shipped")
    real = LyricTokenizer.open(Path(path))
    rows = [row for row in RECORDED["lyrics"] if row["text"] not in DETECTED_BETTER and row["text"].strip()]
    assert [real.encode(row["text"]) for row in rows] == [row["ids"] for row in rows]


def test_lines_and_tags_have_their_marks(tokenizer: LyricTokenizer) -> None:
    verse, chorus = 6681 + TAGS.index("verse"), 6681 + TAGS.index("chorus")
    ids = tokenizer.encode("[verse]\nab\n\n[chorus]\na b")
    assert ids == [261, 259, verse, 2, 259, 3, 4, 2, 2, 259, chorus, 2, 259, 3, 2, 4, 2]
    assert tokenizer.encode("") == [261, 2]


def test_an_explicit_language_goes_before_what_is_detected(tokenizer: LyricTokenizer) -> None:
    assert tokenizer.encode("hello", "it")[1] == IDS["it"]
    assert tokenizer.encode("[verse]", "it")[1] == IDS["en"]


@table(
    ("code", "language"),
    [("zh-CN", "zh"), ("cmn", "zh"), ("en_US", "en"), ("JA", "ja"), *zip(LANGUAGES, LANGUAGES, strict=True)],
)
def test_codes_mean_a_language(code: str, language: str) -> None:
    assert language_of(code) == language


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'sv' is not a supported language; choose one of en, de"):
        language_of("sv")


def test_a_script_decides_also_beside_latin_words() -> None:
    assert [detect(line) for line in ("baby 我爱你", "夜に駆ける", "Привет, мир", "123")] == ["zh", "ja", "ru", "en"]


@table(
    ("language", "text", "said"),
    [
        ("en", "$3.50", "three dollars, fifty cents"),
        ("en", "1,000 miles on the 2nd day", "one thousand miles on the second day"),
        ("zh", "50%", "bai3fen1zhi1wu3shi2"),
        ("zh", "我在银行行走", "wo3zai4yin2hang2xing2zou3"),
        ("de", "5€", "fünf Euro"),
        ("es", "20 años", "veinte años"),
        ("it", "3 & 4", "tre e quattro"),
        ("pt", "2 dias", "dois dias"),
        ("cs", "5 dní", "pět dní"),
        ("pl", "7 dni", "siedem dni"),
        ("tr", "3 gün", "üç gün"),
        ("nl", "8 uur", "acht uur"),
        ("ar", "3", "ثلاثة"),
        ("hu", "6 nap", "hat nap"),
        ("ko", "3", "sam"),
    ],
)
def test_numbers_and_signs_are_spoken(language: str, text: str, said: str) -> None:
    assert clean(text, language) == said


def test_section_tags_are_made_into_those_of_the_model() -> None:
    text, remarks = normalised(
        "[Verse 1]\n你好\n\n【副歌】\nla\n[Intro: guitar]\n[Hook 2]\nli\n[guitar solo]\n[Solo: sax]\n[rain falls]\nyo"
    )
    assert text == "[verse]\n你好\n\n[chorus]\nla\n[intro]\n[hook]\nli\n[inst]\n[solo]\nyo"
    assert remarks == (
        "lyrics: sections of the nearest kind: [guitar solo] as inst",
        "lyrics: not words, so not sung: rain falls",
    )


def test_marks_of_singers_are_left_out_with_a_remark() -> None:
    assert normalised("男：你好\n女：la") == ("你好\nla", ("lyrics: marks of singers have no effect with this engine",))


def test_lyrics_without_words_are_refused_under_their_own_field() -> None:
    with pytest.raises(InvalidParams, match=r"edit\.lyrics: hold no words"):
        normalised("[00:01.00]\n[00:02.00]", "edit.lyrics")


def test_words_beside_a_tag_are_kept() -> None:
    assert normalised("[chorus] la la")[0] == "[chorus]\nla la"


def test_a_missing_vocabulary_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    for path in (None, tmp_path / "none.json"):
        with pytest.raises(EngineUnavailable, match=r"lyrics_utils/vocab\.json.*'lyric_vocab'"):
            LyricTokenizer.open(path)
    (wrong := tmp_path / "wrong.json").write_text("{}")
    with pytest.raises(EngineUnavailable, match=r"is not a vocabulary"):
        LyricTokenizer.open(wrong)


@settings(deadline=None)
@given(st.text(max_size=30), st.sampled_from(LANGUAGES))
@example("0.0000001", "ru")
@example("99999999999999999999999999€", "es")
@example("$1.5 & 2024年第3个 3/4", "zh")
def test_anything_can_be_sung_in_any_language(text: str, language: str) -> None:
    assert clean(text, language) == " ".join(clean(text, language).split())
    assert detect(text) in LANGUAGES
    with suppress(InvalidParams):
        normalised(text)


@table("language", ["en", "fr", "ja", "ko", "de"])
@table("written", ["{}", "1.{}", "${}", "{} €"])
def test_a_number_that_nobody_says_is_sung_as_it_is_written(language: str, written: str) -> None:
    assert "9" * 4000 in numbers.spoken(written.format("9" * 4000), language)
    assert "9" * 20 not in numbers.spoken(written.format("9" * 20), language)
