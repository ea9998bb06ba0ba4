"""Converts numbers, signs and abbreviations in lyrics to English words."""

import re

from model.shared.chinese_numbers import plain_digits

_PLAIN = r"\d+(?:[,，]\d{3}(?!\d))*(?:[.．]\d+)?"
_UNITS = {
    "mph": ["miles", "an", "hour"],
    "km": ["kilometers"],
    "kg": ["kilos"],
    "cm": ["centimeters"],
    "ft": ["feet"],
    "lbs": ["pounds"],
    "k": ["K"],
    "am": ["A", "M"],
    "pm": ["P", "M"],
    "a.m.": ["A", "M"],
    "p.m.": ["P", "M"],
}
"""Signs and units that directly follow a number, with their English words."""

_UNIT = r"mph|km|kg|cm|ft|lbs|[kK]|[ap]m|[AP]M|[ap]\.m\.|[AP]\.M\."
SAID = (
    r"(?<![\d:：.])\d{1,2}[:：]\d{2}(?![\d:：])(?:\s?(?:[ap]\.?m\b\.?|[AP]\.?M\b\.?))?"
    r"|\d{1,2}['′]\s?\d{1,2}[\"”″]?(?![A-Za-z])"
    r"|(?<![\d/])\d{1,3}/\d{1,3}(?![\d/])|[½⅓⅔¼¾]"
    r"|#\d+(?![A-Za-z\d])"
    rf"|(?:(?<![\w.])[-−])?[$£€¥￥]?{_PLAIN}(?:[%％]|\s?(?:°[CF]?|[℃℉])|\s?(?:{_UNIT})(?![A-Za-z]))?"
)
"""A pattern for a number with its sign, currency or unit, a time, a height, a fraction, and "#1"."""

ORDINAL = r"['’]?[0-9]{1,6}(?:st|nd|rd|th|['’]?s)(?![A-Za-z])"
"""A pattern for ordinals and decades, such as "1st" and "90s"."""

SPELT = (
    r"(?<![A-Za-z0-9])(?:4ever|2night|2day|2morrow|2gether|gr8|l8r|l8|b4|m8|w8|h8|str8|every1|some1|any1|no1)"
    r"(?![A-Za-z0-9])"
)
"""A pattern for words in which figures take the place of letters, such as "2night", in any case."""

ABBREVIATION = (
    r"(?<![A-Za-z.])(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|vs|etc|feat|ft|No(?=\.\s?\d))\.(?![A-Za-z])"
    r"|(?:(?<![A-Za-z.])(?:[A-Za-z]\.){2,})"
)
"""A pattern for abbreviations such as "Dr." and "U.S.A."."""

_SPELT_WORDS = {
    "4ever": ["forever"],
    "2night": ["tonight"],
    "2day": ["today"],
    "2morrow": ["tomorrow"],
    "2gether": ["together"],
    "gr8": ["great"],
    "l8r": ["later"],
    "l8": ["late"],
    "b4": ["before"],
    "m8": ["mate"],
    "w8": ["wait"],
    "h8": ["hate"],
    "str8": ["straight"],
    "every1": ["everyone"],
    "some1": ["someone"],
    "any1": ["anyone"],
    "no1": ["number", "one"],
}
_ABBREVIATIONS = {
    "no": ["number"],
    "mr": ["mister"],
    "mrs": ["missus"],
    "ms": ["miss"],
    "dr": ["doctor"],
    "jr": ["junior"],
    "sr": ["senior"],
    "prof": ["professor"],
    "vs": ["versus"],
    "etc": ["et", "cetera"],
    "feat": ["featuring"],
    "ft": ["featuring"],
}
SIGNS = {"&": "and", "＆": "and", "@": "at", "+": "plus", "＋": "plus", "=": "equals", "＝": "equals", "×": "times"}
"""Signs and the English words for them; all signs but & are sung only between numbers, as in "2 + 2"."""

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ONES = _SMALL.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_LARGE = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_YEARS = range(1100, 2100)
_LONGEST_AMOUNT = 12
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_PARTS = {"2": ("half", "halves"), "4": ("quarter", "quarters")}
_ONE_SIGN = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4"}
_CURRENCIES = {"$": ("dollar", "dollars"), "£": ("pound", "pounds"), "€": ("euro", "euros"), "¥": ("yuan", "yuan")}
_CALLED_BY_DIGITS = frozenset({"911", "411", "101", "404", "303", "808", "909"})
_NOUN_OF_PRICE = re.compile(r"\s*(?:bills?|questions?|man|men|bash|smile|dreams?|baby|tag)\b", re.IGNORECASE)


def in_english(number: str, after: str = "") -> list[str]:
    """Return the English words of a number with its signs and units, such as "$5" or "10%". The regular expression
    `SAID` matches the numbers that can be read.

    `after` is the text after the number: "$5" is "five dollar" before a noun such as "bill", otherwise "five dollars".
    """
    text = plain_digits(_ONE_SIGN.get(number, number)).replace("’", "'").replace("′", "'")
    if match := re.fullmatch(r"(\d+):(\d\d)\s?([aApP]?)\.?[mM]?\.?", text):
        return _time(match[1], match[2], match[3])
    if match := re.fullmatch(r"(\d+)'\s?(\d+)[\"”″]?", text):
        return [*_english(int(match[1])), "foot", *_english(int(match[2]))]
    if match := re.fullmatch(r"(\d+)/(\d+)", text):
        return _fraction(match[1], match[2])
    if match := re.fullmatch(r"#(\d+)", text):
        return ["number", *_english_whole(match[1], year=False)]
    match = re.fullmatch(rf"(-?)([$£€¥]?)([\d.]+)(?:(%)|\s?(°)[CF]?|\s?({_UNIT}))?", text)
    assert match is not None, text
    minus, currency, digits, percent, degree, unit = match.groups()
    sign = ["minus"] if minus else []
    if currency:
        return [*sign, *_money(digits, currency, after)]
    tail = (["percent"] if percent else []) + (["degrees"] if degree else [])
    tail += _UNITS[unit.lower()] if unit else []
    return [*sign, *_number(digits, year=not (percent or degree or unit)), *tail]


def ordinal(number: str) -> list[str]:
    """Return the English words of an ordinal like "2nd" or a decade like "90s"."""
    figures = number.strip("'’stndrh")
    *most, last = _english_whole(figures, year=number.endswith(("0s", "0's", "0’s")))
    stem = f"{last[:-1]}ie" if last.endswith("y") else last
    if number.endswith(("st", "nd", "rd", "th")):
        return [*most, _ORDINALS.get(last, f"{stem}th")]
    return [*most, f"{stem}s"]


def spelt_word(token: str) -> list[str]:
    """Return the English words of a token in which digits stand for letters: "tonight" for "2night". The regular
    expression `SPELT` matches these tokens.
    """
    return _SPELT_WORDS[token.lower()]


def abbreviated(token: str, after: str) -> list[str]:
    """Return the English words of an abbreviation that the regular expression `ABBREVIATION` matches: the full word for
    "Dr.", the letters one by one for "U.S.A.".

    "St." before a name is "Saint", otherwise "Street"; `after` is the text after the abbreviation.
    """
    name = token.rstrip(".").lower()
    if name == "st":
        return ["saint"] if after.lstrip()[:1].isupper() else ["street"]
    return _ABBREVIATIONS.get(name) or [letter.upper() for letter in token if letter.isalpha()]


def _number(digits: str, *, year: bool) -> list[str]:
    whole, _, fraction = digits.partition(".")
    point = ["point", *(_ONES[int(digit)] for digit in fraction)] if fraction else []
    return [*_english_whole(whole or "0", year=year and not fraction), *point]


def _time(hour: str, minute: str, half: str) -> list[str]:
    day = [half.upper(), "M"] if half else []
    hours = _english(int(hour))
    if minute == "00":
        return [*hours, *(day or ["o'clock"])]
    return [*hours, *(["oh"] if minute[0] == "0" else []), *_english(int(minute)), *day]


def _fraction(over: str, under: str) -> list[str]:
    if int(over) >= int(under) or int(under) > 10:
        return [*_english(int(over)), *_english(int(under))]
    single, several = _PARTS.get(under) or (ordinal(f"{under}th")[-1], f"{ordinal(f'{under}th')[-1]}s")
    return [*_english(int(over)), single if over == "1" else several]


def _money(digits: str, currency: str, after: str) -> list[str]:
    whole, _, cents = digits.partition(".")
    single, several = _CURRENCIES[currency]
    name = single if whole == "1" or _NOUN_OF_PRICE.match(after) else several
    amount = _english_whole(whole or "0", year=False)
    return [*amount, *(_english_whole(cents.lstrip("0"), year=False) if cents.strip("0") else [name])]


def _english_whole(digits: str, *, year: bool) -> list[str]:
    if len(digits) > _LONGEST_AMOUNT or (digits[0] == "0" and len(digits) > 1):
        return [_ONES[int(digit)] for digit in digits]
    value = int(digits)
    if digits in _CALLED_BY_DIGITS and year:
        return ["oh" if digit == "0" else _ONES[int(digit)] for digit in digits]
    if year and len(digits) == 4 and value in _YEARS and value % 1000 > 9:
        rest = value % 100
        return [*_english(value // 100), *(["hundred"] if not rest else ["oh"] * (rest < 10) + _english(rest))]
    return _english(value)


def _english(value: int) -> list[str]:
    if value < len(_ONES):
        return [_ONES[value]]
    for unit, name in _LARGE:
        if value >= unit:
            return [*_english(value // unit), name, *(_english(value % unit) if value % unit else [])]
    return [_TENS[value // 10 - 2], *(_english(value % 10) if value % 10 else [])]
