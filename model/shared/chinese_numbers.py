"""Numbers as they are said in Chinese, as pinyin readings."""

import re
from collections.abc import Iterator

NUMBER = r"\d+(?:[,，]\d{3}(?!\d))*(?:[.．]\d+)?[%％]?"
"""A pattern for what is said as one number."""

_DIGITS = ("ling2", "yi1", "er4", "san1", "si4", "wu3", "liu4", "qi1", "ba1", "jiu3")
_PLACES = ("", "shi2", "bai3", "qian1")
_GROUPS = ("", "wan4", "yi4")
_LONGEST_AMOUNT = 8
_COUNTED = frozenset(
    "个個只隻朵天次岁歲块塊元点點分秒月日号號里里米斤万萬千百亿億度种種条條颗顆层層楼樓步遍回夜人杯首句页頁张張本双雙对對把件"
)
_COUNTED_IN_TWOS = _COUNTED - frozenset("月日号號楼樓度百分秒")


def in_chinese(number: str, before: str, after: str, *, connected: bool = True) -> list[str]:
    """Pinyin with tone digits of a number that stands between two texts; lexical tones where not `connected`.

    An amount is said as one; a year of four digits and what stands alone and is not round, like 520 or 1314, digit by
    digit.
    """
    digits = plain_digits(number)
    whole, _, fraction = digits.rstrip("%").partition(".")
    if digits.endswith("%"):
        share = ["bai3"] if whole == "100" and not fraction else [*_amount(whole), *_decimals(fraction)]
        return ["bai3", "fen1", "zhi1", *share]
    if whole == "2" and not fraction and after[:1] in _COUNTED_IN_TWOS and after and not before.endswith("第"):
        return ["liang3"]
    if not fraction and not _is_amount(whole, before, after):
        return list(_spelt(whole))
    amount = _amount(whole)
    return [*(_bent(amount) if connected else amount), *_decimals(fraction)]


def plain_digits(number: str) -> str:
    """Digits of ASCII, without the commas between thousands."""
    ascii_digits = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in number)
    return re.sub("[,，]", "", ascii_digits).replace("．", ".").replace("％", "%")


def _is_amount(whole: str, before: str, after: str) -> bool:
    if len(whole) > _LONGEST_AMOUNT or (whole[0] == "0" and len(whole) > 1):
        return False
    if len(whole) == 4 and after.startswith("年"):
        return False
    return len(whole) <= 2 or whole.endswith("00") or after[:1] in _COUNTED | {"年"} or before.endswith("第")


def _spelt(digits: str) -> Iterator[str]:
    return (_DIGITS[int(digit)] for digit in digits)


def _decimals(fraction: str) -> list[str]:
    return ["dian3", *_spelt(fraction)] if fraction else []


def _amount(digits: str) -> list[str]:
    """An amount below 10^12 in groups of four digits; "ling2" stands for zeros between others."""
    value = int(digits)
    if value == 0 or value >= 10**12:
        return list(_spelt(digits))
    spoken: list[str] = []
    for group in reversed(range(len(_GROUPS))):
        part = value // 10_000**group % 10_000
        if not part:
            continue
        if spoken and part < 1000:
            spoken.append("ling2")
        spoken += [*_below_ten_thousand(part), *filter(None, [_GROUPS[group]])]
    return spoken[1:] if spoken[:2] == ["yi1", "shi2"] else spoken


def _bent(amount: list[str]) -> list[str]:
    """The amount with the tone of yi1 as it is before hundreds, thousands and so on."""
    bends = {"bai3": "yi4", "qian1": "yi4", "wan4": "yi2", "yi4": "yi2"}
    return [
        bends.get(after, one) if one == "yi1" else one for one, after in zip(amount, [*amount[1:], ""], strict=True)
    ]


def _below_ten_thousand(value: int) -> list[str]:
    spoken: list[str] = []
    gap = False
    for place in reversed(range(len(_PLACES))):
        digit = value // 10**place % 10
        if digit:
            spoken += ["ling2"] * (gap and bool(spoken)) + [_DIGITS[digit]] + [_PLACES[place]] * (place > 0)
        gap = not digit
    return spoken
