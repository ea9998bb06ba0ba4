"""Reads marks in lyrics that name the singer of the following lines: "男：", "[Female]", "A:", "(合)"."""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from types import MappingProxyType

from model.shared.lyrics.lines import Line


class Singer(StrEnum):
    """A singer named in lyrics; `FIRST` and `SECOND` are singers identified by letters or names."""

    FEMALE = "female"
    MALE = "male"
    FIRST = "first"
    SECOND = "second"
    ALL = "all"


_SPELLINGS = {
    Singer.FEMALE: "女 女声 女聲 女生 女歌手 女独 女獨 女主唱 女声独唱 女独唱 女合 female woman women girl "
    "girls her she f w lady "
    "femalevocal femalevocals "
    "♀ femalevoice femalesinger femalelead femalerap femalesolo 女说唱 여 여자",
    Singer.MALE: "男 男声 男聲 男生 男歌手 男独 男獨 男主唱 男声独唱 男独唱 男合 male man men boy boys him he m "
    "guy malevocal "
    "malevocals malevoice "
    "♂ malesinger malelead malerap malesolo 男说唱 남 남자",
    Singer.FIRST: "a 甲 singera voicea vocala singer1 voice1 vocal1 歌手a 歌手1 歌手一 领唱 領唱 lead leadsinger",
    Singer.SECOND: "b 乙 singerb voiceb vocalb singer2 voice2 vocal2 歌手b 歌手2 歌手二 "
    "伴唱 backup backing backingvocals backupvocals",
    Singer.ALL: "合 合唱 齐 齊 齐唱 齊唱 男女 男女合 男女合唱 男女声 男女聲 对唱 對唱 全体 全體 众 眾 大合唱 "
    "both all together duet everyone "
    "everybody group unison d maleandfemale femaleandmale "
    "malefemale femalemale 女男 ⚤ boyandgirl boygirl himandher 합창 함께",
}
_SINGERS = MappingProxyType({name: singer for singer, names in _SPELLINGS.items() for name in names.split()})
_ENCLOSED_NAMES = frozenset({"male", "female", "man", "woman", "both", "duet", "a", "b"})
"""Names of singers that are recognised also in round brackets; other names there may be words of a choir ("(girl)",
"(all)").
"""

_IN_TAG = re.compile(
    r"(?<![a-z])(?:(?:(?P<both>male\s*(?:and|&|/|\+)\s*female|female\s*(?:and|&|/|\+)\s*male|duet|both|together)"
    r"|(?P<female>female|woman|women|girl|girls|lady)|(?P<male>male|man|men|boy|boys|guy))"
    r"(?:\s*(?:vocals?|vocalist|voices?|singers?|singing|lead|only|solo))?)(?![a-z])"
    r"|(?P<both2>男女合?唱?|合唱|对唱|對唱|齐唱|齊唱)|(?P<female2>女[声聲生]?)|(?P<male2>男[声聲生]?)"
)
_PREFIX = re.compile(r"^[(（\[［【〔]?\s*([^:：()（）\[\]［］【】〔〕]{1,16}?)\s*[)）\]］】〕]?\s*[:：]\s*")
_ENCLOSED = re.compile(r"^[(（\[［【〔]\s*([^()（）\[\]［］【】〔〕]{1,16}?)\s*[)）\]］】〕]\s*")
_LONGEST_MARK = 16
_PART_OF = re.compile(r"(?<=[男女声聲生合唱])(?:的?部分|演唱|独唱|獨唱|唱)$")
_SIGN = re.compile(r"^([♂♀⚤])\s*(?=\w)")
_SPACED = re.compile(r"^(男|女|合|男[声聲生]|女[声聲生]|男女)\s+(?=[\u4e00-\u9fff]{2})")
_BEHIND = re.compile(r" ?[(（]\s*([男女合甲乙][声聲生唱]?|男女[合声聲]?)\s*[)）]\s*$")
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,4}|[A-Z][\w.'’-]{0,11}(?: [A-Z][\w.'’-]{0,11})?")
_SAYING = re.compile(
    r"[说說道问問喊唱想是曰云叫答对對给給]$|\b(?:say|says|said|sing|sings|sang|is|was|this|that|it|i|you|we)$",
    re.IGNORECASE,
)


def singer_of(mark: str) -> Singer | None:
    """Return the singer that `mark` (without brackets and colon) names; `None` if `mark` names no singer."""
    name = re.sub(r"[\s_/&+、和-]", "", unicodedata.normalize("NFKC", mark).casefold())
    name = _PART_OF.sub("", name)
    return _SINGERS.get(name) or _SINGERS.get(re.sub(r"^([男女mf])\d$", r"\1", name))


def taken_out(tag: str) -> tuple[str, Singer | None]:
    """Remove the words that name a singer from a tag; return the rest of the tag in lower case, and the singer (`None`
    if the tag names none).
    """
    found: Singer | None = None
    for match in _IN_TAG.finditer(tag):
        one = {"f": Singer.FEMALE, "m": Singer.MALE, "b": Singer.ALL}[(match.lastgroup or "b")[0]]
        found = one if found in {None, one} else Singer.ALL
    if found is None:
        return tag, None
    rest = re.sub(r"[(（\[]\s*[)）\]]|[,，/&+|:：-]\s*$", " ", _IN_TAG.sub(" ", tag))
    return re.sub(r"\s+", " ", rest).strip(" ,，:：-–—|"), found


def split_mark(text: str, names: Sequence[str]) -> tuple[Singer | None, str]:
    """Split the mark of a singer ("A:") from the start of a line; return the singer (`None` without a mark) and the
    words. `names` are the names of the first and second singer.
    """
    if match := _PREFIX.match(text):
        if singer := singer_of(match[1]):
            return singer, text[match.end() :]
        if match[1] in names:
            return (Singer.FIRST, Singer.SECOND)[min(names.index(match[1]), 1)], text[match.end() :]
    for pattern in (_SIGN, _SPACED):
        if match := pattern.match(text):
            return singer_of(match[1]), text[match.end() :]
    if match := _BEHIND.search(text, max(1, len(text) - _LONGEST_MARK)):
        return singer_of(match[1]), text[: match.start()]
    match = _ENCLOSED.match(text)
    if match and (singer := singer_of(match[1])) and (not match[1].isascii() or match[1].casefold() in _ENCLOSED_NAMES):
        return singer, text[match.end() :]
    return None, text


def names_of_singers(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return the singers' names in order of appearance: texts before a colon at the start of at least two lines each.
    The result is empty if there are fewer than two such names.
    """
    counts: dict[str, int] = {}
    for line in lines:
        match = re.match(r"([^:：]{1,24}?)\s*[:：]\s*(?=\S)", line.text)
        if match and _NAME.fullmatch(match[1]) and not _SAYING.search(match[1]) and singer_of(match[1]) is None:
            counts[match[1]] = counts.get(match[1], 0) + 1
    names = tuple(name for name, count in counts.items() if count > 1)
    return names if len(names) > 1 else ()
