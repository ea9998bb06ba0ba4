"""Lyrics as the caller writes them, parsed into tagged sections of readable lines."""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from model.song import SECTION_TAGS, InvalidParams, LyricLine, SectionKind, Syllable, Violation
from model.studio.lyrics.readings import count_chinese, is_chinese, read_line

MAX_CHARACTERS = 12_000
MAX_CHINESE_CHARACTERS = 1_700
MAX_LINES = 360
"""More than can be sung in four minutes; longer lyrics are refused before they are read."""

MAX_LINE_SYLLABLES = 32
"""A longer line is broken in two or more."""

_MAX_TAG_VIOLATIONS = 8
_TAG = re.compile(r"[\[［【]([^\[\]［］【】]*)[\]］】]")
_TAG_REMARK = re.compile(r"[:：|(（,，].*| [-–—] .*", re.DOTALL)
_TAG_NUMBER = re.compile(r"(?:[\s#_.-]*(?:no\.?)?\s*\d+|\s*[一二三四五六七八九十]+|\s+[ivx]+|(?<=[歌奏])\s*[a-d])$")

_SPELLINGS = {
    SectionKind.INTRO: "intro introduction prelude opening 前奏 引子 序 序曲 开场 開場",
    SectionKind.VERSE: "verse stanza strophe rap 主歌 正歌 说唱 說唱",
    SectionKind.PRE_CHORUS: "prechorus buildup build lift 预副歌 預副歌 前副歌 导歌 導歌 副歌前 过渡 過渡",
    SectionKind.CHORUS: "chorus refrain hook postchorus 副歌 高潮 合唱 叠歌 疊歌",
    SectionKind.BRIDGE: "bridge middleeight middle8 桥 橋 桥段 橋段 桥歌 橋歌 过桥 過橋",
    SectionKind.INST: "inst instrumental interlude solo break instrumentalbreak guitarsolo pianosolo drop "
    "间奏 間奏 独奏 獨奏 器乐 器樂 纯音乐 純音樂 过门 過門",
    SectionKind.OUTRO: "outro ending end coda finale fadeout 尾奏 尾声 尾聲 尾 结尾 結尾 结束 結束 终章 終章",
}
_KINDS = {name: kind for kind, names in _SPELLINGS.items() for name in names.split()}


@dataclass(frozen=True, slots=True)
class LyricSection:
    """One tagged part of the lyrics; without lines it is played, not sung."""

    kind: SectionKind
    lines: tuple[LyricLine, ...]

    @property
    def sung(self) -> bool:
        """Whether there is something to sing."""
        return bool(self.lines)


@dataclass(frozen=True, slots=True)
class Lyrics:
    """Parsed lyrics; `notes` are remarks for the caller about what was skipped or changed."""

    sections: tuple[LyricSection, ...]
    notes: tuple[str, ...] = ()

    @property
    def sung(self) -> bool:
        """Whether any section has something to sing."""
        return any(section.sung for section in self.sections)


@dataclass(slots=True)
class _Draft:
    """What has been read so far."""

    sections: list[tuple[SectionKind, list[LyricLine]]] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)


def parse_lyrics(text: str, *, language: str | None = None) -> Lyrics:
    """Parse lyrics: `[verse]`-like tags, in any case, numbered or Chinese, each followed by its lines.

    Text before the first tag is a verse. A line with nothing to sing is left out; every line of the result has
    between 1 and `MAX_LINE_SYLLABLES` syllables. `language`, "zh" or "en", is that of numbers; `None` finds it out from
    the words.

    Raises:
        InvalidParams: a tag is unknown, the text is too long, or it has letters but none that can be sung.
    """
    _check_amount(text)
    draft = _Draft()
    chinese_song = is_chinese(text) if language is None else language == "zh"
    for number, line in enumerate(unicodedata.normalize("NFC", text).splitlines(), start=1):
        for tag, words in _pieces(line):
            if tag is not None:
                _open_section(draft, tag, number)
            _add_words(draft, words.strip(), number, chinese_song)
    return _finished(draft)


def _check_amount(text: str) -> None:
    """Refuse cheaply what no tempo could fit, before any character is read aloud."""
    amounts = [("characters", len(text), MAX_CHARACTERS)]
    if len(text) <= MAX_CHARACTERS:
        lines = sum(bool(line.strip()) for line in text.splitlines())
        amounts += [("Chinese characters", count_chinese(text), MAX_CHINESE_CHARACTERS), ("lines", lines, MAX_LINES)]
    for unit, amount, most in amounts:
        if amount > most:
            raise InvalidParams(Violation("lyrics", f"{amount} {unit}; at most {most} can be sung"))


def section_kind(tag: str) -> SectionKind | None:
    """The kind that a tag (without brackets) names, or `None`."""
    name = _TAG_REMARK.sub("", unicodedata.normalize("NFKC", tag).casefold().strip())
    for candidate in (name, _TAG_NUMBER.sub("", name)):
        kind = _KINDS.get(re.sub(r"[\s_-]", "", candidate))
        if kind is not None:
            return kind
    return None


def _pieces(line: str) -> Iterator[tuple[str | None, str]]:
    """(tag, words that follow it) in order; the tag is `None` for words before the first tag of the line."""
    tag, start = None, 0
    for match in _TAG.finditer(line):
        if tag is not None or line[start : match.start()].strip():
            yield tag, line[start : match.start()]
        tag, start = match.group(1), match.end()
    yield tag, line[start:]


def _open_section(draft: _Draft, tag: str, number: int) -> None:
    kind = section_kind(tag)
    if kind is None:
        known = ", ".join(f"[{kind}]" for kind in SECTION_TAGS)
        draft.violations.append(Violation("lyrics", f"line {number}: unknown tag [{tag[:40]}]; known tags: {known}"))
    else:
        draft.sections.append((kind, []))


def _add_words(draft: _Draft, words: str, number: int, chinese_song: bool) -> None:
    if not words:
        return
    if not draft.sections:
        draft.sections.append((SectionKind.VERSE, []))
    reading = read_line(words, chinese=chinese_song and (is_chinese(words) or not re.search("[A-Za-z]", words)))
    draft.skipped |= reading.skipped
    lines = list(break_line(words, reading.syllables))
    if not lines:
        draft.notes.append(f"lyrics line {number}: nothing to sing")
    elif len(lines) > 1:
        draft.notes.append(f"lyrics line {number}: {len(reading.syllables)} syllables, sung as {len(lines)} lines")
    draft.sections[-1][1].extend(lines)


def break_line(text: str, syllables: tuple[Syllable, ...]) -> Iterator[LyricLine]:
    """Yield the line, cut into as many equal parts as `MAX_LINE_SYLLABLES` asks for; none for no syllables."""
    parts = -(-len(syllables) // MAX_LINE_SYLLABLES)
    edges = [len(syllables) * part // parts for part in range(parts + 1)] if parts else []
    position = 0
    for first, last in itertools.pairwise(edges):
        start = position
        for syllable in syllables[first:last]:
            position = text.index(syllable.text, position) + len(syllable.text)
        end = len(text) if last == len(syllables) else position
        yield LyricLine(text[start:end].strip(), syllables[first:last])


def _finished(draft: _Draft) -> Lyrics:
    if draft.violations:
        raise InvalidParams(*draft.violations[:_MAX_TAG_VIOLATIONS])
    lyrics = Lyrics(tuple(LyricSection(kind, tuple(lines)) for kind, lines in draft.sections))
    if not lyrics.sung and any(character.isalpha() for character in draft.skipped):
        raise InvalidParams(Violation("lyrics", "nothing that can be sung: Chinese and Latin letters are read"))
    if draft.skipped:
        shown = " ".join(sorted(draft.skipped)[:12])
        draft.notes.append(f"lyrics: skipped what cannot be sung: {shown}")
    return Lyrics(lyrics.sections, tuple(draft.notes))
