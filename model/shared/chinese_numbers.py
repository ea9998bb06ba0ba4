"""Converts numbers in Chinese text, with their units and signs, to pinyin."""

import re
from collections.abc import Iterator

_PLAIN = r"\d+(?:[,，]\d{3}(?!\d))*(?:[.．]\d+)?"
_SIGNED = rf"(?:(?<![\w.])[-−－])?[¥￥$＄€£]?{_PLAIN}(?:[%％‰]|\s?(?:°[CFcf]?|[℃℉]))?"
_TIME = r"(?<![\d:：.])\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?![\d:：])"
_FRACTION = r"(?<![\d/／])\d{1,4}[/／]\d{1,4}(?![\d/／])|[½⅓⅔¼¾]"
_SPAN = rf"{_PLAIN}[%％]?[~～–—－-]{_PLAIN}[%％]?(?=[\u3400-\u9fff])"
NUMBER = f"{_TIME}|{_FRACTION}|{_SPAN}|{_SIGNED}"
"""Regular expression for text that is read as one number, with its sign, currency or unit; also a time, a fraction, or
a range.
"""

_DIGITS = ("ling2", "yi1", "er4", "san1", "si4", "wu3", "liu4", "qi1", "ba1", "jiu3")
_PLACES = ("", "shi2", "bai3", "qian1")
_GROUPS = ("", "wan4", "yi4")
_LONGEST_AMOUNT = 9
_PLACES_SAID = len(_PLACES) * len(_GROUPS)
_UNITS = frozenset(
    "个個只隻朵天次岁歲块塊元点點分秒月日号號里裡米斤万萬千百亿億度种種条條颗顆层層楼樓步遍回夜晚人杯首句页頁张張本双雙对對把件"
    "盏盞场場阵陣趟封通瓶碗粒片根支枝匹头頭座栋棟间間扇面辆輛架艘台臺部幅册冊套副串束群队隊班排列顿頓番下声聲圈拳脚腳口滴级級"
    "倍成折样樣类類段篇章节節课課题題道处處家户位名周週星礼禮小分公厘毫光英海平摄攝世季刻吨噸克两兩尺寸丈亩畝升站轮輪转轉届屆"
    "毛角席株棵丛叢缕縷丝絲抹袭襲款重行界代等关關站曲拍集季局股门門针針页味"
)
_COUNTED_IN_TWOS = _UNITS - frozenset("月日号號楼樓度百星级級班台股厘界等局")
_NAMED_BY_DIGITS = frozenset(
    {"110", "119", "120", "911", "520", "521", "1314", "404", "007", "666", "888", "999", "996"}
)
_CURRENCIES = {"¥": ["yuan2"], "$": ["mei3", "yuan2"], "€": ["ou1", "yuan2"], "£": ["ying1", "bang4"]}
_ONE_SIGN = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4"}
_LASTING = re.compile("[等爱愛过過守候活走睡想盼恋戀念找了近上下隔沉埋有再用整共這这那几幾好]$")
_MOST_DIVIDED = 12
_EARLIEST_YEAR, _LATEST_YEAR = 1001, 2100


def in_chinese(
    number: str, before: str, after: str, *, connected: bool = True, next_tone: int | None = None
) -> list[str]:
    """Return the pinyin, with tone digits, of a number that is written between the texts `before` and `after`, from
    which its reading is chosen; without tone sandhi if `connected` is False.

    Amounts are read as one number. A year of four digits, and a number without a unit that is not round, such as 520 or
    1314, are read digit by digit. `next_tone` is the tone of the syllable after the number, which changes the tone of a
    single 一.
    """
    text = plain_digits(_ONE_SIGN.get(number, number))
    if match := re.fullmatch(r"(\d+):(\d\d)(?::(\d\d))?", text):
        return _time(match[1], match[2], match[3], after)
    if match := re.fullmatch(r"(\d+)/(\d+)", text):
        return _fraction(match[1], match[2])
    if match := re.fullmatch(r"([\d.]+)%?-([\d.]+)(%?)", text):
        last = match[2] + match[3]
        return [*_say(match[1] + match[3], before, after), "dao4", *_say(last, before, after)]
    spoken = _say(text, before, after)
    return _bent(spoken, next_tone) if connected and not before.endswith("第") else spoken


def plain_digits(number: str) -> str:
    """Return the number with full-width digits and signs replaced by ASCII ones, and without commas between
    thousands.
    """
    ascii_digits = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in number)
    plain = re.sub("[,，]", "", ascii_digits).translate(str.maketrans("．％：／－−–—~～￥＄", ".%:/------¥$"))
    return plain.replace("℃", "°C").replace("℉", "°F")


def _say(text: str, before: str, after: str) -> list[str]:
    """Return the pinyin of the number `text` together with its minus, currency or percent sign and its unit; `before`
    and `after` are the texts around it, from which its reading is chosen.
    """
    match = re.fullmatch(r"(-?)([¥$€£]?)([\d.]+)([%‰]?)\s?(°?)([CFcf]?)", text)
    assert match is not None, text
    minus, currency, digits, share, degree, scale = match.groups()
    cold = degree or after.lstrip().startswith(("度", "摄氏度", "攝氏度"))
    sign = [] if not minus else ["ling2", "xia4"] if cold else ["fu4"]
    if share:
        return [*sign, *(["bai3"] if share == "%" else ["qian1"]), "fen1", "zhi1", *_share(digits)]
    unit = {"C": ["she4", "shi4", "du4"], "F": ["hua2", "shi4", "du4"]}.get(scale.upper(), ["du4"] if degree else [])
    if currency:
        return [*sign, *_plain(digits, before, "元"), *_CURRENCIES[currency]]
    return [*sign, *_plain(digits, before, "度" if unit else after), *unit]


def _share(digits: str) -> list[str]:
    whole, _, fraction = digits.partition(".")
    return ["bai3"] if whole == "100" and not fraction else [*_amount(whole), *_decimals(fraction)]


def _plain(digits: str, before: str, after: str) -> list[str]:
    whole, _, fraction = digits.partition(".")
    counted = not before.endswith("第")
    if whole == "2" and not fraction and counted and after[:1] in _COUNTED_IN_TWOS and after and after[:2] != "分之":
        return ["liang3"]
    if not fraction and not _is_amount(whole, before, after):
        return list(_spelt(whole))
    return [*_amount(whole), *_decimals(fraction)]


def _time(hour: str, minute: str, second: str | None, after: str) -> list[str]:
    """Return the pinyin of a time of day; if the hour is above 24 or the minute above 59, that of the score of
    a game.
    """
    if int(hour) > 24 or int(minute) > 59:
        return [*_amount(hour), "bi3", *_amount(minute)]
    hours = ["liang3"] if int(hour) == 2 else _amount(str(int(hour)))
    minutes = [] if minute == "00" else (["ling2"] if minute[0] == "0" else []) + _amount(str(int(minute)))
    unit = ["fen1"] if minutes and (minute[0] == "0" or second) and not after.startswith("分") else []
    seconds = [*_amount(str(int(second))), "miao3"] if second else []
    return [*hours, *([] if after.startswith(("点", "點")) and not minutes else ["dian3"]), *minutes, *unit, *seconds]


def _fraction(over: str, under: str) -> list[str]:
    """Return the pinyin of the fraction `over`/`under`; a pair such as 24/7 that is no fraction is read as two
    numbers.
    """
    if int(over) < int(under) and (2 <= int(under) <= _MOST_DIVIDED or under in {"100", "1000"}):
        return [*_amount(under), "fen1", "zhi1", *_amount(over)]
    return [*_amount(over), *_amount(under)]


def _is_amount(whole: str, before: str, after: str) -> bool:
    if len(whole) > _LONGEST_AMOUNT or (whole[0] == "0" and len(whole) > 1):
        return False
    if after.startswith(("年代", "後", "后")) and len(whole) == 2:
        return after.startswith("年代")
    if len(whole) == 4 and after.startswith("年"):
        return not _EARLIEST_YEAR <= int(whole) < _LATEST_YEAR or (
            whole.endswith("000") and bool(_LASTING.search(before))
        )
    if whole in _NAMED_BY_DIGITS:
        return after[:1] in _UNITS | {"年"} and after != ""
    return len(whole) <= 2 or whole.endswith("00") or after[:1] in _UNITS | {"年"} or before.endswith("第")


def _spelt(digits: str) -> Iterator[str]:
    return (_DIGITS[int(digit)] for digit in digits)


def _decimals(fraction: str) -> list[str]:
    return ["dian3", *_spelt(fraction)] if fraction else []


def _amount(digits: str) -> list[str]:
    """Return the pinyin of an amount below 10^12, in groups of four digits; "ling2" stands for zeros between other
    digits.
    """
    value = int(digits) if 0 < len(digits.lstrip("0")) <= _PLACES_SAID else 0
    if value == 0:
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


def _bent(spoken: list[str], next_tone: int | None) -> list[str]:
    """Return a number's pinyin in which yi1 (one) has the tone of tone sandhi, where a word for a hundred or a higher
    power of ten follows. If the number is only yi1, its tone depends on `next_tone`, the tone of the next word; without
    one it stays yi1.
    """
    bends = {"bai3": "yi4", "qian1": "yi4", "wan4": "yi2", "yi4": "yi2"}
    if spoken == ["yi1"] and next_tone is not None:
        return ["yi2" if next_tone == 4 else "yi4"]
    return [
        bends.get(after, one) if one == "yi1" else one for one, after in zip(spoken, [*spoken[1:], ""], strict=True)
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
