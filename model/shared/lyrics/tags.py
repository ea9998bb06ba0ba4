"""Interprets the tags in lyrics: each is a section of the song, a singer, a repetition, or a remark."""

import re
import unicodedata
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeAlias

from model.shared.lyrics import repeats, singers
from model.shared.lyrics.names import FUNCTION_WORDS, KINDS, LETTERS, NEAR_SIGNS, NEAR_WORDS, NUMBERS, STRONG
from model.shared.lyrics.singers import Singer
from model.song import SectionKind

_LONGEST = 80
_SPELT = ("verse", "chorus", "prechorus", "bridge", "outro", "intro", "instrumental", "interlude")
_MOST_NEAR_WORDS = 5
_MOST_NEAR_SIGNS = 10
_REMARK = re.compile(r"[:：|(（,，、/;；@].*| [-–—~] ?.*| (?:with|w/|feat\.?|ft\.?|by|featuring) .*", re.DOTALL)
_ORDINALS = "first|second|third|fourth|last|final|1st|2nd|3rd|4th|next|another"
_NUMBER_WORDS = "one|two|three|four|five|six"
_NUMBER = re.compile(
    rf"(?:[\s#_.-]*(?:no\.?)?\s*\d+|\s*[一二三四五六七八九十]+|\s+(?:[ivx]+|{_NUMBER_WORDS})|"
    rf"(?<=[歌奏])\s*[a-d]|\s+[a-d])$"
)
_LEADING_NUMBER = re.compile(
    rf"^(?:(?:{_ORDINALS})\s+|第?\s*[一二三四五六七八九十\d]+\s*[段节節遍个個](?=.)的?|最后一?[段遍]?的?|"
    rf"最後一?[段遍]?的?)"
)
_LETTER = re.compile(r"(?:(?:part|section)\s*)?([a-d])\d?(?:\s*(?:段|节|節|部|区|部分|part|section))?[’']?")
_STANZA = re.compile(r"第?\s*[一二三四五六七八九十\d]+\s*[段节節]|\d절")
_VOICE = re.compile(r"(?<![a-z])(?:fe)?male(?![a-z])|[男女]声")
_LAST = re.compile(r"last|final|最后|最後")
_PLAIN_LETTERED = re.compile(r"[a-d]\s*[段节節部区](?:[主副]歌)?|第\s*[一二三四五六七八九十\d]+\s*[段节節]")
_JOINED = re.compile(r"\b(pre|post)[\s_-]*(chorus|hook|refrain)\b")
_CLOCK = re.compile(r"^\d{1,2}:\d{2}(?:\s*[-–—]\s*|\s+)(?=\D)")
_EDGES = re.compile(r"^[^\w(]+|[^\w)]+$")
_DECORATION = " \t*_~#=♪♫♩♬•·-–—>+.'\"“”‘’"


@dataclass(frozen=True, slots=True)
class Heading:
    """A tag that starts a section.

    Attributes:
        kind: the kind of section that the tag names, or the most similar one.
        written: the tag as written.
        name: kind and number, such as "verse 2", the same for all spellings.
        exact: True if the tag is a name of that kind, False if it only resembles one.
        singer: the singer of the section, if the tag names one.
        times: the number of times that the section is sung, if the tag gives it.
        again: True if the tag says that an earlier section is repeated.
    """

    kind: SectionKind
    written: str
    name: str
    exact: bool = True
    singer: Singer | None = None
    times: int | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Repetition:
    """A tag that repeats the words before it `times` times; `counted` is False if the tag only says "again"."""

    times: int
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Remark:
    """A tag that is not sung and starts no section, such as a stage direction or a title."""

    written: str


Tag: TypeAlias = Heading | Singer | Repetition | Remark


@lru_cache(maxsize=512)
def read_tag(written: str) -> Tag:
    """Interpret the text between the brackets of a tag, and return the section, singer, repetition or remark; a long
    text is a remark.
    """
    if len(written) > _LONGEST:
        return Remark(written)
    tag = unicodedata.normalize("NFKC", written).casefold().strip(_DECORATION)
    if (singer := singers.singer_of(tag)) and not (tag in KINDS or _LETTER.fullmatch(tag)):
        return singer
    if times := repeats.times_of(tag):
        return Repetition(times, repeats.is_counted(tag))
    tag = _CLOCK.sub("", _EDGES.sub("", tag))
    if heading := _named(tag, written):
        return heading
    rest, singer = singers.taken_out(tag)
    rest, times, again = repeats.taken_out(rest)
    heading = _exact(rest, written) or _near(rest, written, again=again)
    if heading is None:
        return singer if singer and (not rest or _VOICE.search(tag)) else Remark(written)
    return replace(heading, singer=singer or _singer_behind(rest), times=times, again=again)


def _singer_behind(tag: str) -> Singer | None:
    """Return the singer whose name follows the name of a section in a tag ("chorus: all"); `None` if no singer
    follows.
    """
    behind = re.search(r"[:(|,-]\s*([^:(|,-]+?)[\s)]*$", tag)
    return singers.singer_of(behind[1]) if behind else None


def section_kind(tag: str) -> SectionKind | None:
    """Return the kind of section that a tag (without brackets) names or resembles; `None` if the tag starts no
    section.
    """
    found = read_tag(tag)
    return found.kind if isinstance(found, Heading) else None


def is_strong(heading: Heading, line: str) -> bool:
    """Return True if `line`, which was interpreted as `heading`, must be a heading even without brackets or colon, as
    "Verse 2".
    """
    tag = _EDGES.sub("", unicodedata.normalize("NFKC", line).casefold().strip(_DECORATION))
    rest, _, _ = repeats.taken_out(singers.taken_out(tag)[0])
    if _PLAIN_LETTERED.fullmatch(tag):
        return True
    name = re.sub(r"\s*[(].*[)]$|\s+[-–—]\s+\w+$", "", rest).strip()
    return heading.exact and not STRONG.isdisjoint(map(_plain, (rest, name, *_unnumbered(name))))


def _named(tag: str, written: str) -> Heading | None:
    """Return the heading for a tag that consists of a section name and at most a number; `None` for other tags."""
    for name in (tag, *_unnumbered(tag)):
        if kind := KINDS.get(_plain(name)):
            return Heading(kind, written, _name(kind, "" if name == tag else tag))
    return None


def _exact(tag: str, written: str) -> Heading | None:
    name = _REMARK.sub("", tag).strip(_DECORATION)
    return _named(tag, written) or _named(name, written) or _lettered(name, written)


def _lettered(tag: str, written: str) -> Heading | None:
    if match := _LETTER.fullmatch(tag):
        return Heading(LETTERS[match[1]], written, f"section {match[1]}", exact=False)
    if _STANZA.fullmatch(tag):
        return Heading(SectionKind.VERSE, written, _name(SectionKind.VERSE, tag), exact=False)
    return None


def _near(tag: str, written: str, *, again: bool) -> Heading | None:
    """Return the heading for a tag that has a section name among other words, such as "loud chorus", or that misspells
    a section name; `None` for other tags. `written` is the tag as written; `again` is True if the tag says that a
    section is repeated.
    """
    name = _REMARK.sub("", tag).strip(_DECORATION)
    words = re.findall(r"[a-z0-9']+", _JOINED.sub(r"\1\2", name))
    if len(words) > _MOST_NEAR_WORDS or (FUNCTION_WORDS & set(words) and not again):
        return None
    named = [NEAR_WORDS[word] for word in words if word in NEAR_WORDS]
    sung = [kind for kind in named if kind is not SectionKind.INST]
    found = next(iter(sung[-1:] or named[-1:]), None) or _misspelt(words)
    if found is None and len(name) <= _MOST_NEAR_SIGNS and not name.isascii():
        found = next((kind for sign, kind in NEAR_SIGNS if sign in name), None)
    return None if found is None else Heading(found, written, _name(found, name), exact=False)


def _misspelt(words: list[str]) -> SectionKind | None:
    """Return the kind of section whose name one of the words misspells by a letter or two ("chours", "verce"); `None`
    without such a word.
    """
    for word in words:
        close = get_close_matches(word, _SPELT, n=1, cutoff=0.8) if len(word) > 4 else []
        if close and close[0][0] == word[0]:
            return NEAR_WORDS[close[0]]
    return None


def _unnumbered(name: str) -> tuple[str, ...]:
    behind = _NUMBER.sub("", name)
    return behind, _LEADING_NUMBER.sub("", name), _LEADING_NUMBER.sub("", behind)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name)


def _name(kind: SectionKind, tag: str) -> str:
    """Return the kind and number of the section that `tag` names, such as "verse 2", by which repeated sections are
    found; a tag such as "last chorus" gives only the kind.
    """
    if _LAST.match(tag):
        return kind.value
    written = [NUMBERS[word] for word in re.findall(r"[a-z]+|[一二三四五六七八九十]", tag) if word in NUMBERS]
    return " ".join([kind.value, *[*re.findall(r"\d+", tag), *written][:1]])
