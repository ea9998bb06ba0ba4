"""Numbers as they are said in English, as words."""

from model.shared.chinese_numbers import plain_digits

ORDINAL = r"[0-9]{1,6}(?:st|nd|rd|th|s)(?![A-Za-z])"
"""A pattern for "1st" and "90s"."""

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ONES = _SMALL.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_YEARS = range(1100, 2100)
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def in_english(number: str) -> list[str]:
    """The words of a number."""
    digits = plain_digits(number)
    whole, _, fraction = digits.rstrip("%").partition(".")
    point = ["point", *(_ONES[int(digit)] for digit in fraction)] if fraction else []
    return [*_english_whole(whole, year=not fraction), *point, *(["percent"] if digits.endswith("%") else [])]


def ordinal(number: str) -> list[str]:
    """The words of a number like "2nd", or of a decade like "90s"."""
    figures = number.rstrip("stndrh")
    *most, last = _english_whole(figures, year=number.endswith("0s"))
    stem = f"{last[:-1]}ie" if last.endswith("y") else last
    if number.endswith(("st", "nd", "rd", "th")):
        return [*most, _ORDINALS.get(last, f"{stem}th")]
    return [*most, f"{stem}s"]


def _english_whole(digits: str, *, year: bool) -> list[str]:
    value = int(digits)
    if len(digits) > 6 or (digits[0] == "0" and len(digits) > 1):
        return [_ONES[int(digit)] for digit in digits]
    if year and len(digits) == 4 and value in _YEARS and value % 1000 > 9:
        rest = value % 100
        return [*_english(value // 100), *(["hundred"] if not rest else ["oh"] * (rest < 10) + _english(rest))]
    return _english(value)


def _english(value: int) -> list[str]:
    if value < len(_ONES):
        return [_ONES[value]]
    for unit, name in ((1000, "thousand"), (100, "hundred")):
        if value >= unit:
            return [*_english(value // unit), name, *(_english(value % unit) if value % unit else [])]
    return [_TENS[value // 10 - 2], *(_english(value % 10) if value % 10 else [])]
