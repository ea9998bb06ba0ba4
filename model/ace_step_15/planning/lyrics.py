"""Formats lyrics as the model was trained on: lines under section tags. The module is free of torch."""

import re

from model.shared.lyrics.reading import read_lyrics
from model.shared.lyrics.sections import WrittenSection
from model.shared.lyrics.tagged import names_singers, tagged_text

INSTRUMENTAL = "[Instrumental]"
"""The lyrics of a song without words."""

_SECONDS_OF_LINE = 3.5
_SECONDS_OF_INSTRUMENT = 8.0
_SECONDS_WITHOUT_LYRICS = 60.0
_LATIN = re.compile(r"[\x20-\x7e]+")


def normalised(lyrics: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The lyrics with each section tag on its own line, the sung lines alone, and remarks on changes.

    A tag in Latin letters stays as written; another one becomes the English name of its kind. Marks of singers are
    dropped, since the model gives no line a voice of its own.

    Raises:
        InvalidParams: the lyrics are no text, or hold neither words nor tags.
    """
    written = read_lyrics(lyrics, "lyrics")
    text = tagged_text(written.sections, _tag)
    sung = tuple(line.text for section in written.sections for line in section.lines)
    remarks = ("lyrics: marks of singers are not followed",) if names_singers(written.sections) else ()
    return text or INSTRUMENTAL, sung, (*written.notes, *remarks)


def seconds_of(text: str, sung: int) -> float:
    """Preferred length in seconds of a song with normalised lyrics of `sung` lines."""
    if not sung:
        return _SECONDS_WITHOUT_LYRICS
    tags = sum(line.startswith("[") for line in text.splitlines())
    return _SECONDS_OF_LINE * sung + _SECONDS_OF_INSTRUMENT * max(1, tags) / 2


def _tag(section: WrittenSection) -> str:
    """Return the tag as written if it is in Latin letters, otherwise the English name of its kind."""
    tag = section.tag.strip()
    return tag if _LATIN.fullmatch(tag) else section.kind.value
