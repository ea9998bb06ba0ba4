"""Reads repeat marks in lyrics: "(x2)", "×3", "（重复两遍）", "Repeat chorus"."""

import re

MOST_TIMES = 16
"""Largest number of times that one repeat mark can give."""

_LONGEST = 40
_CHINESE = {"一": 1, "两": 2, "兩": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_WORDS = {"once": 1, "twice": 2, "thrice": 3, "two": 2, "three": 3, "four": 4, "bis": 2}
_COUNT = r"(?:\d{1,4}|[一两兩二三四五六七八九十]|two|three|four)"
_AGAIN = r"(?:repeat(?:ed|s)?|重复|重複|反复|反覆|再唱|循环|循環|同上|back to(?: the)?)"
_TIMES = (
    rf"(?:[x×✕✖*＊]\s*(?P<a>\d{{1,4}})|(?P<b>\d{{1,4}})\s*[x×✕✖]|(?P<c>{_COUNT})\s*(?:times|遍|次|回|times through)"
    r"|(?P<d>twice|thrice|bis))"
)
_MARK = re.compile(
    rf"(?P<again>{_AGAIN})?[\s,，:：]*(?:唱|共|sing|play)?\s*(?:{_TIMES})?[\s,，]*(?P<again2>{_AGAIN})?(?:\s*一[遍次])?",
    re.IGNORECASE,
)
_IN_TAG = re.compile(rf"(?<![a-z0-9])(?:{_TIMES})(?![a-z0-9])|{_AGAIN}|\breprise\b|\bagain\b|同上|再来", re.IGNORECASE)
_ALONE = re.compile(
    r"(?:repeat\s*)?(?:[x×✕✖*＊]\s*\d{1,3}|\d{1,3}\s*[x×✕✖])|repeat(?: twice| \d times)?", re.IGNORECASE
)
_SIGNS = re.compile(r"\|{1,2}\s?:\s*(.+?)\s*:\s?\|{1,2}")
_AT_END = re.compile(r"\s*[(（\[［【]\s*([^()（）\[\]［］【】]{1,20})\s*[)）\]］】]\s*$")
_BARE_AT_END = re.compile(
    r"(?<=\S)(?:(?<![\d\s])\s+[xX×✕✖]\s?(\d{1,7})|\s*[×✕✖]\s?(\d{1,3})|(?<=[\u3400-\u9fff)）”」…。！？!?])\s*[xX*＊](\d{1,2}))\s*$"
)


def times_of(mark: str) -> int | None:
    """Return how often the words before a repeat mark (without its brackets) are sung; `None` if `mark` is not a repeat
    mark.
    """
    match = _MARK.fullmatch(mark.strip()) if len(mark) <= _LONGEST else None
    if match is None or not any(match.groups()):
        return None
    return max(_count(match) or 2, 2 if match["again"] or match["again2"] else 1)


def times_of_text(text: str) -> int | None:
    """Return how often the words before a line are sung if the line is a repeat mark; `None` otherwise. Without round
    brackets, only a mark that cannot be lyrics is recognised.
    """
    if text[:1] in "(（" or _ALONE.fullmatch(text):
        return times_of(text.strip("()（） "))
    return None


def is_counted(mark: str) -> bool:
    """Return True if a repeat mark gives a number of times, False if it only says that words are repeated."""
    return any(any(match.groups()) for match in _IN_TAG.finditer(mark))


def has_signs(text: str) -> bool:
    """Return True if `text` is enclosed in the repeat signs of musical notation ("|: la la :|")."""
    return _SIGNS.fullmatch(text) is not None


def taken_out(tag: str) -> tuple[str, int | None, bool]:
    """Remove the repeat marks from a tag. Return the rest of the tag, the number of times that the marks give (`None`
    if none), and True if a mark says "again" without a number.
    """
    times, again = None, False
    for match in _IN_TAG.finditer(tag):
        times = _count(match) or times
        again = again or not any(match.groups())
    rest = re.sub(r"[(（]\s*[)）]", " ", _IN_TAG.sub(" ", tag))
    return re.sub(r"\s+", " ", rest).strip(" ,，"), times, again


def split_end(text: str) -> tuple[str, int]:
    """Split a repeat mark from the end of a line; return the words before the mark, and how often they are sung (1
    without a mark).
    """
    if match := _SIGNS.fullmatch(text):
        return match[1], 2
    start = max(0, len(text) - _LONGEST)
    match = _AT_END.search(text, start)
    if match and match.start() and (times := times_of(match[1])):
        return text[: match.start()].rstrip(), times
    match = _BARE_AT_END.search(text, start)
    if match and (digits := next(filter(None, match.groups()))) and int(digits) > 0:
        return text[: match.start()].rstrip(), int(digits)
    return text, 1


def _count(match: re.Match[str]) -> int | None:
    written = next((match[name] for name in "abcd" if match[name]), None)
    if written is None:
        return None
    written = written.lower()
    return max(1, _CHINESE.get(written) or _WORDS.get(written) or int(written))
