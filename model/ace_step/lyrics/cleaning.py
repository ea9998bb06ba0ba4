"""Converts lines of lyrics to the form of the training data: lower case, numbers and signs in words, other scripts
romanised.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any

from pypinyin import Style, lazy_pinyin

from model.ace_step.lyrics.numbers import spoken
from model.ace_step.lyrics.spoken import ABBREVIATIONS, SIGNS
from model.engine import EngineUnavailable

_QUOTES = re.compile('["“”„«»「」『』]')
_SPACES = re.compile(r"\s+")
_FOLDED = str.maketrans({"。": ".", "、": ",", "“": "", "”": "", "…": "...", "—": "-", "～": "-", "·": " "})


def clean(line: str, language: str) -> str:
    """Return one line of lyrics in the form that the tokenizer expects: lower case, and numbers, signs and other
    scripts as words or Latin letters. `language` is the model's language code of the line.

    The conversions are in the order of the released pipeline.
    """
    if language == "ja":
        return _collapsed(_romaji(line))
    line = _lowered(_QUOTES.sub("", line), language)
    if language == "hi":
        return _collapsed(line)
    line = _signs(_abbreviations(spoken(line, language), language), language)
    if language == "zh":
        line = _pinyin(line)
    if language == "ko":
        line = _romanised(line)
    return _collapsed(line)


def _lowered(line: str, language: str) -> str:
    if language == "tr":  # in Turkish, the lower case of I has no dot, and that of İ has one
        line = line.replace("İ", "i").replace("Ö", "ö").replace("Ü", "ü")
    return line.lower()


def _abbreviations(line: str, language: str) -> str:
    for short, long in ABBREVIATIONS.get(language, {}).items():
        line = re.sub(rf"\b{short}(?:\.|(?<=-\w)|(?<=-\w\w))(?!\w)", long, line)
    return line


def _signs(line: str, language: str) -> str:
    for sign, word in SIGNS.get(language, {}).items():
        line = line.replace(sign, f" {word} ")
    return line


def _collapsed(line: str) -> str:
    return _SPACES.sub(" ", line).strip()


def _pinyin(line: str) -> str:
    """Return Chinese text as pinyin with tone digits (5 for the neutral tone), without spaces; other characters are
    unchanged.
    """
    folded = unicodedata.normalize("NFKC", line).translate(_FOLDED)
    return "".join(lazy_pinyin(folded, style=Style.TONE3, neutral_tone_with_five=True))


def _romaji(line: str) -> str:
    return str(_cutlet().romaji(line)).lower()


def _romanised(line: str) -> str:
    return str(_transliter().translit(line))


@lru_cache(maxsize=1)
def _cutlet() -> Any:
    try:
        from cutlet import Cutlet
    except ImportError as error:
        raise EngineUnavailable(
            "Japanese lyrics need the Python package cutlet: run pip install 'melisma[ace_step]'"
        ) from error
    return Cutlet()


@lru_cache(maxsize=1)
def _transliter() -> Any:
    try:
        from hangul_romanize import Transliter
        from hangul_romanize.rule import academic
    except ImportError as error:
        raise EngineUnavailable(
            "Korean lyrics need the Python package hangul-romanize: run pip install 'melisma[ace_step]'"
        ) from error
    return Transliter(academic)
