"""Parses lyrics into sections of singable lines, each line with its singers."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from model.shared.lyrics.characters import check_is_text
from model.shared.lyrics.lines import Notes
from model.shared.lyrics.reading import read_lyrics
from model.shared.lyrics.sections import WrittenLine, WrittenSection
from model.shared.lyrics.singers import Singer
from model.song import InvalidParams, LyricLine, SectionKind, Syllable, Violation, Voice
from model.studio.lyrics.readings import (
    Reading,
    TooManySyllables,
    check_readable,
    count_chinese,
    is_chinese,
    read_line,
)

MAX_CHARACTERS = 12_000
MAX_CHINESE_CHARACTERS = 1_700
MAX_LINES = 360
"""Largest number of lines in the lyrics, more than can be sung in four minutes; longer lyrics are rejected before they
are converted.
"""

MAX_SYLLABLES = 1_760
"""Largest number of syllables in the lyrics: eight in each bar of four minutes at the fastest tempo; the conversion
stops there.
"""

MAX_LINE_SYLLABLES = 32
"""Largest number of syllables in a line; a longer line is divided."""

OTHER_VOICE = {Voice.FEMALE: Voice.MALE, Voice.MALE: Voice.FEMALE}
_NAMED = {Singer.FEMALE: Voice.FEMALE, Singer.MALE: Voice.MALE}


@dataclass(frozen=True, slots=True)
class LyricSection:
    """One tagged section of the lyrics, such as a verse; a section without lines is instrumental."""

    kind: SectionKind
    lines: tuple[LyricLine, ...]

    @property
    def sung(self) -> bool:
        """True if the section has lines to sing."""
        return bool(self.lines)


@dataclass(frozen=True, slots=True)
class Lyrics:
    """Parsed lyrics; `notes` are remarks for the caller about skipped or changed text.

    `voice` is the song's main voice: the requested one, otherwise the first that the lyrics name; `None` if neither the
    request nor the lyrics name one.
    """

    sections: tuple[LyricSection, ...]
    notes: tuple[str, ...] = ()
    voice: Voice | None = None

    @property
    def sung(self) -> bool:
        """True if any section has lines to sing."""
        return any(section.sung for section in self.sections)


@dataclass(slots=True)
class _Reader:
    """Converts lines of lyrics to sung syllables; a repeated line is converted only once.

    `chinese_song` is True if numbers are read in Chinese, except in English lines. `notes` are remarks for the caller,
    `readings` the converted lines, `known` the sung lines by their text; `left` is the number of syllables that still
    fit into the longest song.
    """

    chinese_song: bool
    notes: Notes = field(default_factory=Notes)
    readings: list[Reading] = field(default_factory=list)
    known: dict[str, tuple[LyricLine, ...]] = field(default_factory=dict)
    left: int = MAX_SYLLABLES

    def lines(self, written: WrittenLine) -> tuple[LyricLine, ...]:
        """Convert one line of the lyrics to lines of sung syllables: several if the line is too long, none if nothing
        of the line can be sung.

        Raises:
            TooManySyllables: this line and the lines before it do not fit into the longest song.
        """
        if written.text not in self.known:
            self.known[written.text] = self._read(written)
        lines = self.known[written.text]
        self.left -= sum(len(line.syllables) for line in lines)
        if self.left < 0:
            raise TooManySyllables
        return lines

    def _read(self, written: WrittenLine) -> tuple[LyricLine, ...]:
        reading, place = self._reading(written.text), f"line {written.number}"
        self.readings.append(reading)
        for note in reading.notes:
            self.notes.say(note, place)
        if not reading.mostly_read:
            self.notes.say("left out, since less than half of it can be read", place)
            return ()
        lines = tuple(break_line(reading.text, reading.syllables))
        if not lines:
            self.notes.say("nothing to sing", place)
        if reading.unread:
            self.notes.say("sung without what cannot be read", place)
        if len(lines) > 1:
            self.notes.say(f"lines of more than {MAX_LINE_SYLLABLES} syllables are cut", place)
        return lines

    def _reading(self, words: str) -> Reading:
        chinese = self.chinese_song and (is_chinese(words) or not re.search("[A-Za-z]", words))
        return read_line(words, chinese=chinese, most=self.left)


def parse_lyrics(text: str, wished: Voice | None = None, *, language: str | None = None) -> Lyrics:
    """Parse lyrics into sections of singable lines; section tags such as [chorus] are found by
    `model.shared.lyrics.reading`.

    Lines before the first tag are a verse. Lines of which less than half can be sung are left out; every line of the
    result has between 1 and `MAX_LINE_SYLLABLES` syllables. `wished` is the requested voice, if any. `language`, "zh"
    or "en", is the language in which numbers are read; with `None` it is detected from the words.

    Raises:
        InvalidParams: the text is too long, has no words or more than can be sung, or less than half of its letters can
        be sung.
    """
    check_is_text(text[:MAX_CHARACTERS], "lyrics")
    _check_amount("characters", len(text), MAX_CHARACTERS)
    written = read_lyrics(text)
    lines = [line for section in written.sections for line in section.lines]
    _check_amount("Chinese characters", sum(count_chinese(line.text) for line in lines), MAX_CHINESE_CHARACTERS)
    _check_amount("lines", len(lines), MAX_LINES)
    chinese_song = any(is_chinese(line.text) for line in lines) if language is None else language == "zh"
    reader = _Reader(chinese_song)
    voice = wished or _first_named(lines)
    try:
        sections = tuple(_sections(written.sections, reader, voice or Voice.FEMALE))
    except TooManySyllables:
        reason = f"these lyrics have more than {MAX_SYLLABLES} syllables, too many to be sung; leave some of them out"
        raise InvalidParams(Violation("lyrics", reason)) from None
    lyrics = Lyrics(sections, (*written.notes, *_singer_notes(lines), *reader.notes.remarks()), voice)
    check_readable(reader.readings)
    skipped = sorted(frozenset().union(*(reading.skipped for reading in reader.readings)))
    if not skipped:
        return lyrics
    return replace(lyrics, notes=(*lyrics.notes, f"lyrics: skipped what cannot be sung: {' '.join(skipped[:12])}"))


def _check_amount(unit: str, amount: int, most: int) -> None:
    """Raise an error for lyrics whose `amount` of a `unit`, such as "lines", exceeds `most`, the largest that fits into
    a song. Lyrics are checked before they are converted to syllables.

    Raises:
        InvalidParams: the lyrics are too long.
    """
    if amount > most:
        raise InvalidParams(Violation("lyrics", f"have {amount} {unit}; at most {most} can be sung: leave some out"))


def _sections(written: Iterable[WrittenSection], reader: _Reader, own: Voice) -> Iterator[LyricSection]:
    for section in written:
        lines = (replace(line, voices=_voices(one.singer, own)) for one in section.lines for line in reader.lines(one))
        yield LyricSection(section.kind, tuple(lines))


def _first_named(lines: Iterable[WrittenLine]) -> Voice | None:
    return next((_NAMED[line.singer] for line in lines if line.singer in _NAMED), None)


def _voices(singer: Singer | None, own: Voice) -> tuple[Voice, ...]:
    """Return the voices that sing a line, by its singer mark, such as "male" or "all"; empty for a line without a mark.
    `own` is the main voice of the song.
    """
    if singer is None:
        return ()
    if singer is Singer.ALL:
        return (own, OTHER_VOICE[own])
    if singer in _NAMED:
        return (_NAMED[singer],)
    return (own if singer is Singer.FIRST else OTHER_VOICE[own],)


def _singer_notes(lines: Iterable[WrittenLine]) -> Iterator[str]:
    singers = dict.fromkeys(line.singer.value for line in lines if line.singer)
    if singers:
        yield f"lyrics: sung by the singers that are marked: {', '.join(singers)}"


def break_line(text: str, syllables: tuple[Syllable, ...]) -> Iterator[LyricLine]:
    """Divide a line into as many parts of nearly equal length as `MAX_LINE_SYLLABLES` requires; yield nothing for a
    line without syllables.
    """
    parts = -(-len(syllables) // MAX_LINE_SYLLABLES)
    edges = [len(syllables) * part // parts for part in range(parts + 1)] if parts else []
    position = 0
    for first, last in itertools.pairwise(edges):
        start = position
        for syllable in syllables[first:last]:
            position = text.index(syllable.text, position) + len(syllable.text)
        end = len(text) if last == len(syllables) else position
        yield LyricLine(text[start:end].strip(), syllables[first:last])
