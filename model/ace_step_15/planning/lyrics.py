"""Formats lyrics as in the training data: lines under section tags. The module does not import torch."""

import re
from dataclasses import dataclass

from model.shared.lyrics.reading import read_lyrics
from model.shared.lyrics.sections import WrittenSection
from model.shared.lyrics.tagged import names_singers, tagged_text
from model.song import SectionKind

INSTRUMENTAL = "[Instrumental]"
"""The text that the model expects as the lyrics of an instrumental song."""

SECTION_SECONDS = 8.0
"""Shortest length of a section in seconds, which has room for one phrase."""

_SECONDS_OF_LINE = 3.5
_SECONDS_OF_INSTRUMENT = 8.0
_SECONDS_WITHOUT_LYRICS = 60.0
_LATIN = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One or more neighbouring sections of the lyrics that are generated together."""

    written: tuple[WrittenSection, ...]

    @property
    def kind(self) -> SectionKind:
        """Kind of the first section in the part; instrumental if there are no sections."""
        return self.written[0].kind if self.written else SectionKind.INST

    @property
    def text(self) -> str:
        """The text of the lyrics for the model: each section tag on its own line, followed by the section's lines.

        A tag in Latin letters stays as written; other tags become the English name of their kind. Marks of singers are
        removed, because the model cannot assign voices to lines.
        """
        return tagged_text(self.written, _tag) or INSTRUMENTAL

    @property
    def sung(self) -> tuple[str, ...]:
        """The sung lines of the part, without tags."""
        return tuple(line.text for section in self.written for line in section.lines)

    @property
    def seconds(self) -> float:
        """Preferred length in seconds of the part, in a song that has several parts."""
        return max(SECTION_SECONDS, _SECONDS_OF_LINE * len(self.sung))


def read(lyrics: str) -> tuple[Part, tuple[str, ...]]:
    """Parse the lyrics of a song; return all sections as one part, and remarks for the caller on changes to the lyrics.

    Raises:
        InvalidParams: the lyrics are not text, or have neither words nor tags.
    """
    written = read_lyrics(lyrics, "lyrics")
    remarks = ("lyrics: marks of singers are not followed",) if names_singers(written.sections) else ()
    return Part(written.sections), (*written.notes, *remarks)


def parts_of(song: Part) -> list[Part]:
    """Divide the lyrics of a song into parts, one for each section; the result has at least one part."""
    return [Part((section,)) for section in song.written] or [song]


def joined(first: Part, second: Part) -> Part:
    """Return one part with the sections of two neighbouring parts."""
    return Part((*first.written, *second.written))


def seconds_of(song: Part) -> float:
    """Return the preferred length in seconds of a song with these lyrics."""
    if not song.sung:
        return _SECONDS_WITHOUT_LYRICS
    tags = sum(line.startswith("[") for line in song.text.splitlines())
    return _SECONDS_OF_LINE * len(song.sung) + _SECONDS_OF_INSTRUMENT * max(1, tags) / 2


def _tag(section: WrittenSection) -> str:
    """Return a section's tag as written if it is in Latin letters, otherwise the English name of its kind."""
    tag = section.tag.strip()
    return tag if _LATIN.fullmatch(tag) else section.kind.value
