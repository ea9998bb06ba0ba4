"""Converts numbers and amounts of money in lyrics to words."""

import re
from collections.abc import Callable
from types import MappingProxyType

from model.ace_step.lyrics.spoken import ORDINALS
from model.engine import EngineUnavailable
from model.shared.chinese_numbers import NUMBER, in_chinese

_LONGEST_NUMBER = 36
"""Largest number of digits that is converted to words: longer numbers take the library long, and have no names."""

_CURRENCIES = MappingProxyType({"$": "USD", "£": "GBP", "€": "EUR"})
_MONEY = re.compile(r"([$£€])\s?(\d++(?:\.\d++)?)|(?<!\d)(\d++(?:\.\d++)?)\s?([$£€])")
_DECIMAL = re.compile(r"(?<!\d)\d++\.\d++")
_INTEGER = re.compile(r"\d+")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_THOUSANDS = re.compile(r"(?<=\d)[,.](?=\d{3}(?!\d))")


def spoken(text: str, language: str) -> str:
    """Return the text with its numbers written as words of `language`; Chinese numbers become pinyin without spaces,
    such as "er4shi2" for 20.
    """
    if language == "zh":
        return re.sub(NUMBER, lambda found: _chinese(found, text), text)
    text = _DECIMAL_COMMA.sub(".", _THOUSANDS.sub("", text))
    for pattern, say in (
        (_MONEY, lambda found: _money(found, language)),
        (re.compile(ORDINALS.get(language, "(?!)")), lambda found: _say(found[1], language, "ordinal")),
        (_DECIMAL, lambda found: _say(found[0], language, "cardinal")),
        (_INTEGER, lambda found: _say(found[0], language, "cardinal")),
    ):
        text = _replaced(pattern, say, text)
    return text


def _replaced(pattern: re.Pattern[str], say: Callable[[re.Match[str]], str], text: str) -> str:
    def said(found: re.Match[str]) -> str:
        try:
            return say(found)
        except (ArithmeticError, LookupError, NotImplementedError, TypeError, ValueError):
            # The library cannot convert this number in this language, so the digits stay as written.
            return found[0]

    return pattern.sub(said, text)


def _chinese(found: re.Match[str], text: str) -> str:
    return "".join(in_chinese(found[0], text[: found.start()], text[found.end() :]))


def _money(found: re.Match[str], language: str) -> str:
    sign, amount = (found[1], found[2]) if found[1] else (found[4], found[3])
    said = _say(amount, language, "currency", _CURRENCIES[sign])
    if "." in amount:
        return said
    # The library names the hundredths even if they are zero.
    return re.split(r",|\s(?:et|and|y|und|e|i|en|és)\s(?=\w+\s\w+$)", said)[0]


def _say(number: str, language: str, form: str, currency: str = "") -> str:
    try:
        from num2words import num2words
    except ImportError as error:
        raise EngineUnavailable(
            "numbers in lyrics need the Python package num2words: run pip install 'melisma[ace_step]'"
        ) from error
    if len(number) > _LONGEST_NUMBER:
        raise ValueError("a number has too many digits to be sung: write it in words")
    value = float(number) if "." in number or currency else int(number)
    extra = {"currency": currency} if currency else {}
    return str(num2words(value, to=form, lang=language, **extra))
